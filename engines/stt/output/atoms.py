"""A segment as atoms: the pieces of its text that lines and subtitles may be cut between, each with its times.

Times come from the words where the model told them, else in proportion to the characters.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from engines.stt.output.spaces import tidy, unspaced
from ipc.hearing import Segment

_SLACK: Final = 8
"""Characters further on than where it should be, in which a word is still looked for."""
_NEVER_FIRST: Final = frozenset(
    "、。，．！？；：）」』】〉》〕…ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ,.!?;:)]}%’”"
)
_NEVER_LAST: Final = frozenset("（「『【〈《〔([{‘“เแโใไ")


class Atom(NamedTuple):
    """It begins after a space where it is `spaced`, except on a new line. Times are milliseconds."""

    text: str
    spaced: bool
    begin: int
    end: int


def atoms(segment: Segment, most: int) -> list[Atom]:
    """All of its text, in pieces of at most `most` characters."""
    text = tidy(segment.text)
    times = _Times(segment, text)
    return [Atom(text[a:b], spaced, times.begin(a), times.end(b)) for a, b, spaced in _places(text, most)]


def _places(text: str, most: int) -> Iterator[tuple[int, int, bool]]:
    at = 0
    for number, word in enumerate(text.split(" ") if text else ()):
        first = True
        for piece in _cut(word, most):
            yield at, at + len(piece), first and number > 0
            at, first = at + len(piece), False
        at += 1


def _cut(word: str, most: int) -> Iterator[str]:
    """Between any two characters of a script without spaces, and where it would be too long for a line."""
    begin = 0
    for at in range(1, len(word)):
        if _divides(word[at - 1], word[at]):
            yield from _short(word[begin:at], most)
            begin = at
    yield from _short(word[begin:], most)


def _divides(before: str, after: str) -> bool:
    return (
        (unspaced(before) or unspaced(after))
        and after not in _NEVER_FIRST
        and before not in _NEVER_LAST
        and not _extends(after)
    )


def _extends(character: str) -> bool:
    """Whether it is drawn together with the one before: an accent or a vowel sign."""
    return unicodedata.category(character)[0] == "M" or character == "\u200d"


def _short(word: str, most: int) -> Iterator[str]:
    while len(word) > most:
        end = next((at for at in range(most, most // 2, -1) if not _extends(word[at])), most)
        yield word[:end]
        word = word[end:]
    yield word


class _Times:
    """When each character of a segment's text begins and ends."""

    def __init__(self, segment: Segment, text: str) -> None:
        begin = _milliseconds(segment.begin)
        end = max(begin, _milliseconds(segment.end))
        self._places, self._moments = [0], [begin]
        for place, moment in _told(segment, text):
            self._places.append(place)
            self._moments.append(min(end, max(self._moments[-1], moment)))
        self._places.append(len(text))
        self._moments.append(end)

    def begin(self, place: int) -> int:
        """Of the character there."""
        return self._at(place, bisect_right(self._places, place) - 1)

    def end(self, place: int) -> int:
        """Of the character before."""
        at = bisect_left(self._places, place)
        return self._moments[at] if self._places[at] == place else self._at(place, at - 1)

    def _at(self, place: int, last: int) -> int:
        """`last` is the last that is known of a place not behind this one."""
        if self._places[last] == place:
            return self._moments[last]
        share = (place - self._places[last]) / (self._places[last + 1] - self._places[last])
        return self._moments[last] + round(share * (self._moments[last + 1] - self._moments[last]))


def _told(segment: Segment, text: str) -> Iterable[tuple[int, int]]:
    """Places in the text with their moments, as far as words are found where they should be."""
    at = 0
    for word in segment.words:
        said = tidy(word.text)
        found = text.find(said, at, at + len(said) + _SLACK) if said else -1
        if found >= 0:
            yield found, _milliseconds(word.begin)
            at = found + len(said)
            yield at, _milliseconds(word.end)


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))
