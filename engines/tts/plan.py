"""From a document to chunks of speech.

A cursor is a place in the numbered sentences of the document, which depend on no setting: chunks of another size or
language go on exactly where the ones before end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from engines.contract import CannotPlan, Planning, nothing
from engines.settings import EngineSettings
from engines.tts.settings import TtsSettings
from engines.tts.text import shelf
from engines.tts.text.missed import missed
from engines.tts.text.packing import Chunk
from engines.tts.text.script import Place, Script
from engines.tts.text.way import Way, way_of
from engines.tts.unit import Book, Unit, encode
from ipc.errors import Problem
from ipc.work import PlannedUnit

STRETCH_BYTES: Final = 4 * 1024 * 1024
"""One stretch ends with the unit that reaches so much, well below the largest message a desk may send."""
_SHOWN_HEADING: Final = 60


def plan(
    source: Path, cursor: str, limit: int, settings: EngineSettings, step: Callable[[], None] = nothing
) -> Planning:
    """Up to `limit` chunks of a document from `cursor` on.

    Raises:
        CannotPlan: the document cannot be read, has nothing to say, or not with these settings.
    """
    assert isinstance(settings, TtsSettings)
    script = shelf.script(source)
    way = way_of(script, source, settings)
    return _stretch(_Desk(script, way, source.name), _place(script, cursor, source), limit)


def _stretch(desk: _Desk, begin: Place, limit: int) -> Planning:
    units, starts, size = list[PlannedUnit](), list[Place](), 0
    place, script = begin, desk.script
    while len(units) < limit and size < STRETCH_BYTES and place.sentence < len(script.sentences):
        chunk = desk.way.packer.chunk(place)
        if chunk is None:
            place = Place(len(script.sentences), 0)
            break
        unit = desk.unit(chunk)
        units.append(unit)
        starts.append(chunk.begin)
        size += len(unit.payload.encode())
        place = script.settled(chunk.end)
    problems = missed(script, desk.way.speech, begin, place, starts, desk.where)
    end = place.sentence == len(script.sentences)
    return Planning(tuple(units), problems, place.cursor(), end, 1.0 if end else script.share(place))


class _Desk:
    """One document, to be read in one way."""

    def __init__(self, script: Script, way: Way, name: str) -> None:
        self.script = script
        self.way = way
        self._name = name
        self._book_begin = way.packer.begin(Place(0, 0))
        self._begins: dict[int, Place | None] = {}

    def unit(self, chunk: Chunk) -> PlannedUnit:
        """A chunk as it is kept."""
        document = self.script.document
        sentence = self.script.sentences[chunk.begin.sentence]
        number = document.number(sentence.chapter)
        opens = chunk.begin == self._begin(sentence.chapter)
        spoken, written = chunk.spoken, chunk.written
        unit = Unit(
            text=spoken,
            language=self.way.language,
            spans=chunk.spans,
            chapter=number,
            heading=document.chapters[sentence.chapter].heading if opens else "",
            pause=chunk.pause,
            voice=self.way.voices[sentence.chapter],
            shown=written if written != spoken else "",
            words=self.script.words,
            book=self._book() if chunk.begin == self._book_begin else None,
        )
        piece = f"+{chunk.begin.character}" if chunk.begin.character else ""
        name = f"c{number}s{chunk.begin.sentence + 1}{piece}"
        return PlannedUnit(encode(unit), self._where(chunk), name, chunk.begin.cursor())

    def _begin(self, chapter: int) -> Place | None:
        """Where the first chunk of a chapter begins; looked up once, for much unsaid may come before."""
        if chapter not in self._begins:
            self._begins[chapter] = self.way.packer.begin(self.script.chapter_begin(chapter))
        return self._begins[chapter]

    def where(self, place: Place) -> str:
        """A place for people."""
        return f"{self._chapter(place)}sentence {place.sentence + 1}"

    def _where(self, chunk: Chunk) -> str:
        first, last = chunk.spans[0], chunk.spans[-1]
        whole = first.begin == 0 and chunk.parts[-1].pause is None
        if first.sentence != last.sentence:
            which = f"sentences {first.sentence + 1}–{last.sentence + 1}"
        else:
            which = f"{'' if whole else 'part of '}sentence {first.sentence + 1}"
        return f"{self._chapter(chunk.begin)}{which}"

    def _chapter(self, place: Place) -> str:
        document = self.script.document
        chapter = self.script.sentences[place.sentence].chapter
        heading = document.chapters[chapter].heading
        if len(document.chapters) == 1 and not heading:
            return f"{self._name} "
        if not heading:
            return f"{self._name} before chapter 1, "
        shown = heading if len(heading) <= _SHOWN_HEADING else f"{heading[:_SHOWN_HEADING]}…"
        return f"{self._name} chapter {document.number(chapter)} “{shown}”, "

    def _book(self) -> Book:
        book = self.script.document.book
        return msgspec.structs.replace(book, language=book.language or self.way.language)


def _place(script: Script, cursor: str, source: Path) -> Place:
    if not cursor:
        return Place(0, 0)
    sentence, _, character = cursor.partition(":")
    try:
        place = Place(int(sentence), int(character))
        at_end = place == (len(script.sentences), 0)
        inside = min(place) >= 0 and (at_end or place.character < len(script.sentences[place.sentence].text))
    except (ValueError, IndexError):
        inside = False
    if not inside:
        raise CannotPlan(
            Problem(
                "Source changed",
                f"{source} has no place {cursor}, up to which it was planned already.",
                "Submit the job again.",
            )
        )
    return place
