"""The text of a book with its times: cues of at most two lines, as SubRip or WebVTT."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from engines.tts.audio.timeline import Place
from engines.tts.unit import RATE, Unit

LINE: Final = 42
"""Characters of a line, as broadcasters have it; two make a cue."""
MOST: Final = 2 * LINE
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？])")
_CLAUSE = re.compile(r"(?<=[,;:–—])\s+|(?<=[、，；：])")
_WORD = re.compile(r"\s+")
_SLACK: Final = 8
"""A word more or less."""


class Cue(NamedTuple):
    """From sample `begin` to `end`."""

    begin: int
    end: int
    text: str


def cues(units: Iterable[tuple[Unit, Place]]) -> Iterator[Cue]:
    """One for each unit, as it is shown; a long one is divided at sentences, each as long as its share of the text."""
    free = 0  # pieces of a sentence overlap, cues must not
    for unit, place in units:
        parts = list(pieces(unit.shown or unit.text))
        begin, length = max(free, place.begin), place.end - max(free, place.begin)
        characters, said = sum(map(len, parts)), 0
        for part in parts:
            first = begin + length * said // characters
            said += len(part)
            yield Cue(first, begin + length * said // characters, part)
        free = max(free, place.end)


def pieces(text: str) -> list[str]:
    """Parts of at most `MOST` characters: whole sentences, else clauses, else words; a longer word is cut."""
    parts = _packed(" ".join(text.split()), MOST, (_SENTENCE, _CLAUSE, _WORD))
    return [stripped for part in parts if (stripped := part.strip())]


def srt(cues_: Iterable[Cue]) -> Iterator[str]:
    """A SubRip file, in pieces."""
    for number, cue in enumerate(cues_, 1):
        times = f"{_clock(cue.begin, ',')} --> {_clock(cue.end, ',')}"
        yield f"{number}\n{times}\n{lines(cue.text.replace('-->', '→'))}\n\n"


def vtt(cues_: Iterable[Cue], mark: str) -> Iterator[str]:
    """A `WebVTT <https://www.w3.org/TR/webvtt1/>`_ file, in pieces, of which the first is `mark`."""
    yield mark
    for cue in cues_:
        times = f"{_clock(cue.begin, '.')} --> {_clock(cue.end, '.')}"
        yield f"{times}\n{html.escape(lines(cue.text), quote=False)}\n\n"


def vtt_mark(job: str) -> str:
    """How a WebVTT file of a job begins."""
    return f"WEBVTT\n\nNOTE job {job}\n\n"


def lines(text: str) -> str:
    """One line, or two of about the same length."""
    if len(text) <= LINE:
        return text
    spaces = [found.start() for found in re.finditer(" ", text)]
    middle = min(spaces, key=lambda at: abs(2 * at - len(text)), default=None)
    if middle is None:
        return f"{text[: len(text) // 2]}\n{text[len(text) // 2 :]}"
    return f"{text[:middle]}\n{text[middle + 1 :]}"


def _packed(text: str, most: int, levels: Sequence[re.Pattern[str]]) -> list[str]:
    """Parts that make up the text, with the spaces at their ends."""
    if len(text.rstrip()) <= most:
        return [text]
    if not levels:
        return [text[at : at + most] for at in range(0, len(text), most)]
    if len(levels) == 1:  # between words it may be cut anywhere, so the parts can be about equal
        most = min(most, len(text) // math.ceil(len(text) / most) + _SLACK)
    packed: list[str] = []
    for part in _cut(text, levels[0]):
        if packed and len((packed[-1] + part).rstrip()) <= most:
            packed[-1] += part
        else:
            packed += _packed(part, most, levels[1:])
    return packed


def _cut(text: str, where: re.Pattern[str]) -> Iterator[str]:
    begin = 0
    for found in where.finditer(text):
        yield text[begin : found.end()]
        begin = found.end()
    yield text[begin:]


def _clock(sample: int, point: str) -> str:
    milliseconds = sample * 1000 // RATE
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
