"""Who computes what in the next batch: those that write first, and what is left goes to prompts."""

from __future__ import annotations

from collections.abc import Collection

from engines.llm.batch import Stretch
from engines.llm.lane import Lane


def share(lanes: Collection[Lane], capacity: int, pace: int) -> list[tuple[Lane, Stretch]]:
    """At most `capacity` tokens, in order of sequences, as the library splits them least.

    Prompts come by age, those of people first. While somebody watches, prompts that are not theirs get `pace` tokens
    at most. Of those that begin with the same shared part one computes it, and the others wait for it.
    """
    turns, reading = [], []
    watched = False
    for lane in lanes:
        if lane.pending == 1:
            turns.append((lane, lane.stretch(1)))
            watched = watched or lane.person
        else:
            reading.append(lane)
    left = capacity - len(turns)
    here = any(lane.person for lane in lanes)
    coming, read = set(), 0
    for lane in sorted(reading, key=lambda lane: (not lane.person, lane.number)):
        if lane.shared in coming:
            continue
        if lane.shared is not None:
            coming.add(lane.shared)
        slowed = watched if lane.person else here
        room = min(left, pace) - read if slowed else left - read
        if room > 0:
            stretch = lane.stretch(room)
            read += len(stretch.tokens)
            turns.append((lane, stretch))
    return sorted(turns, key=lambda turn: turn[0].sequence)
