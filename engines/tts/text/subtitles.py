"""Subtitles: the words of their cues in order, without numbers, times and styles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engines.tts.text.document import Block, Document, chapters_of
from engines.tts.unit import Book

_TIME: Final = r"(\d{1,3}):(\d\d):(\d\d)[,.](\d{1,3})"
_TIMES: Final = re.compile(rf"^[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}.*$", re.M)
_STYLE: Final = re.compile(r"</?[A-Za-z][^>\n]*>|\{\\[^}\n]*\}|[♪♫]")
_DASH: Final = re.compile(r"^\s*[-–—]\s*", re.M)
_NUMBER_BEFORE: Final = re.compile(r"(?:^|\n)[ \t]*\d+[ \t]*\n?[ \t]*$")
_PARAGRAPH_SECONDS: Final = 3.0
"""A silence of so long begins a paragraph."""


def read(text: str) -> Document:
    """The document in a file of subtitles; cues run on from one to the next, as sentences do."""
    return Document(Book(), chapters_of(_blocks(text.replace("\r\n", "\n").replace("\r", "\n"))))


def _blocks(text: str) -> Iterator[Block]:
    paragraph: list[str] = []
    ended = 0.0
    for begin, end, words in _cues(text):
        if paragraph and begin - ended >= _PARAGRAPH_SECONDS:
            yield Block(" ".join(paragraph))
            paragraph = []
        paragraph.append(words)
        ended = end
    yield Block(" ".join(paragraph))


def _cues(text: str) -> Iterator[tuple[float, float, str]]:
    times = list(_TIMES.finditer(text))
    begins = [*(found.start() for found in times[1:]), len(text)]
    for found, following in zip(times, begins, strict=bool(times)):
        words = text[found.end() : following]
        if following < len(text):
            words = _NUMBER_BEFORE.sub("", words)
        yield _seconds(found.groups()[:4]), _seconds(found.groups()[4:]), _DASH.sub("", _STYLE.sub("", words))


def _seconds(parts: tuple[str, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
