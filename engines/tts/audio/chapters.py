"""Chapters and tags of an audiobook, as its units tell them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engines.tts.audio.formats import Format
from engines.tts.audio.timeline import Place
from engines.tts.unit import Unit

GENRE = "Audiobook"
ISO_639_2 = {
    "ar": "ara", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "fi": "fin", "fr": "fra", "he": "heb",
    "hi": "hin", "it": "ita", "ja": "jpn", "ko": "kor", "ms": "msa", "nl": "nld", "no": "nor", "pl": "pol",
    "pt": "por", "ru": "rus", "sv": "swe", "sw": "swa", "tr": "tur", "zh": "zho",
}  # fmt: skip
"""Containers name languages by three letters."""


class Chapter(NamedTuple):
    """From sample `begin` to `end` of the output."""

    begin: int
    end: int
    title: str


class _Start(NamedTuple):
    begin: int
    unit: Unit
    document: bool
    """Whether a document begins with it."""


def chapters_of(units: Iterable[tuple[Unit, Place]], samples: int) -> tuple[Chapter, ...]:
    """Those of an output of so many samples, without a hole; none where the only one has no name.

    They count on over the documents of one output; one without a heading is named after its document where that begins.
    """
    starts = list(_starts(units))
    if not starts or (len(starts) == 1 and not starts[0].unit.heading):
        return ()
    several = sum(start.document for start in starts) > 1
    begins = [0, *(start.begin for start in starts[1:])]
    ends = [*begins[1:], samples]
    titles = [_title(start, number, several) for number, start in enumerate(starts, 1)]
    return tuple(Chapter(*one) for one in zip(begins, ends, titles, strict=True))


def held(chapters: Sequence[Chapter], form: Format) -> tuple[Chapter, ...]:
    """As much of them as a file of this form can hold: the first ones, with the begin of a title that is too long."""
    if form.chapters == "none":
        return ()
    return tuple(one._replace(title=_begin(one.title, form.most_title_bytes)) for one in chapters[: form.most_chapters])


def tags_of(units: Sequence[Unit], name: str) -> dict[str, str]:
    """Title, author, language and so on of an output called `name`, as FFmpeg calls them."""
    books = [unit.book for unit in units if unit.book is not None]
    titles = list(dict.fromkeys(book.title for book in books))
    authors = list(dict.fromkeys(book.author for book in books if book.author))
    languages = {book.language for book in books if book.language} or {unit.language for unit in units}
    title = titles[0] if len(titles) == 1 and titles[0] else name
    tags = {"title": title, "album": title, "genre": GENRE}
    if authors:
        tags |= {"artist": ", ".join(authors), "album_artist": ", ".join(authors)}
    if len(languages) == 1 and (language := three_letters(languages.pop())):
        tags["language"] = language
    return tags


def three_letters(language: str) -> str:
    """The code of ISO 639-2 for `en`, `en-GB` or `eng`; empty where it is none that we know."""
    short = language.lower().replace("_", "-").split("-")[0]
    return short if short in ISO_639_2.values() else ISO_639_2.get(short, "")


def _begin(title: str, most_bytes: int | None) -> str:
    """Whole characters of it, as an ellipsis says where some are missing."""
    data = title.encode()
    if most_bytes is None or len(data) <= most_bytes:
        return title
    return data[: most_bytes - len("…".encode())].decode(errors="ignore").rstrip() + "…"


def _starts(units: Iterable[tuple[Unit, Place]]) -> Iterable[_Start]:
    before: Unit | None = None
    for unit, place in units:
        document = before is None or unit.book is not None or _goes_back(before, unit)
        if document or (before is not None and unit.chapter != before.chapter):
            yield _Start(place.begin, unit, document)
        before = unit


def _goes_back(before: Unit, unit: Unit) -> bool:
    """Whether it must be another document, though its first chunk is missing."""
    return bool(before.spans and unit.spans) and unit.spans[0] < before.spans[-1]


def _title(start: _Start, number: int, several: bool) -> str:
    named = start.unit.book.title if several and start.document and start.unit.book is not None else ""
    return start.unit.heading or named or f"Chapter {number}"
