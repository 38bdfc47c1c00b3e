"""From segments to subtitles that fit the screen, stay not too long and never overlap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from engines.stt.output.atoms import Atom, atoms
from engines.stt.output.lines import Filling, lines
from ipc.hearing import Segment

_SENTENCE: Final = re.compile(r"[.!?…。！？][\"'”’»)\]」』）]*$")
_CLAUSE: Final = re.compile(r"[,;:–—、，；：]$")
_LEAST_MS: Final = 40
"""One frame of film: a shorter subtitle is never drawn."""
_FLICKER_MS: Final = 120
"""A shorter time without text between two subtitles of a segment only flickers."""
_PAUSE_MS: Final = 700
"""A speaker who stops for so long has ended something."""


class Layout(NamedTuple):
    """What a subtitle may have at most."""

    characters: int
    """Of a line."""
    lines: int
    milliseconds: int


class Cue(NamedTuple):
    """One subtitle; times are milliseconds."""

    begin: int
    end: int
    lines: tuple[str, ...]


def cues(segments: Iterable[Segment], layout: Layout) -> Iterator[Cue]:
    """One for each segment; a long one is divided, best at the ends of sentences."""
    free = 0
    for segment in segments:
        groups = divided(atoms(segment, layout.characters), layout)
        for group, after in zip_longest(groups, groups[1:]):
            begin, end = max(free, group[0].begin), group[-1].end
            if after is not None and after[0].begin - end < _FLICKER_MS:
                end = after[0].begin
            free = min(max(end, begin + _LEAST_MS), begin + layout.milliseconds)
            yield Cue(begin, free, tuple(lines(group, layout.characters)))


def divided(whole: Sequence[Atom], layout: Layout) -> list[Sequence[Atom]]:
    """Groups in order that each fit a subtitle: of all ways to cut, the one with the least cost."""
    best = [(0.0, 0)] * (len(whole) + 1)
    """For each count of atoms, the least cost of cutting so many, and where the last group of them begins."""
    for end in range(1, len(whole) + 1):
        best[end] = (float("inf"), end - 1)
    for begin in range(len(whole)):
        filling = Filling(layout.characters)
        for end in range(begin + 1, len(whole) + 1):
            filling.add(whole[end - 1])
            long = whole[end - 1].end - whole[begin].begin > layout.milliseconds
            if end > begin + 1 and (long or filling.lines > layout.lines):
                break
            cost = best[begin][0] + _cost(whole, end, filling.characters / (layout.characters * layout.lines))
            if cost < best[end][0]:
                best[end] = (cost, begin)
    return list(_followed(whole, best))


def _followed(whole: Sequence[Atom], best: Sequence[tuple[float, int]]) -> Iterator[Sequence[Atom]]:
    ends = [len(whole)]
    while ends[-1] > 0:
        ends.append(best[ends[-1]][1])
    ends.reverse()
    return (whole[begin:end] for begin, end in zip(ends, ends[1:], strict=False))


def _cost(whole: Sequence[Atom], end: int, filled: float) -> float:
    """Of a group that ends there and fills so much of the room: few groups, none nearly empty, cut where one pauses."""
    cost = 0.5 + 0.5 * (1 - filled) ** 2
    if end == len(whole) or _SENTENCE.search(whole[end - 1].text):
        return cost
    if whole[end].begin - whole[end - 1].end >= _PAUSE_MS:
        return cost
    return cost + (0.5 if _CLAUSE.search(whole[end - 1].text) else 1.0)
