"""Time stamps against the samples there are: how much silence belongs before some sound.

A stamp alone proves nothing, for packets arrive late and clocks are set; what the stamps of the next second agree
on is missing. Places are counted in samples that were made, so what was put in too much is taken back from later gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from engines.stt.unit import RATE

_LEAST_GAP: Final = 0.05 * RATE
"""Time stamps of sound that has no gap are off by less: containers round to milliseconds."""
_CLOCK_SET: Final = 600 * RATE
"""A longer jump is a clock that was set, not a gap."""
_AGREED: Final = RATE
"""So much sound must agree on a gap."""
_WITNESSES: Final = 2
"""Frames that must, where the recording ends sooner."""


class Stamp(NamedTuple):
    """Of one frame: seconds, where it has any, and how many samples at 16 kHz it is."""

    time: float | None
    samples: float


class Clock:
    """Of one stream."""

    def __init__(self, start: float | None, end: int | None) -> None:
        """Time stamp of sample 0 (None: whatever comes first is there), and the sample that no silence reaches over."""
        self._start = start
        self._end = end

    def gap(self, place: float, frames: Sequence[Stamp], *, over: bool) -> int | None:
        """Samples of silence that belong at this place, before the first of these frames that follow each other.

        None where more of them must be seen to tell; `over` says that there are no more.
        """
        late = self._late(place, frames)
        if not late or frames[0].time is None or not _jumps(late[0]):
            return 0
        agreed = min(late) if late[0] > 0 else max(late)
        if agreed * late[0] <= 0 or not _jumps(agreed):
            return 0
        if over and len(late) < _WITNESSES:
            return 0
        if not over and sum(frame.samples for frame in frames) < _AGREED:
            return None
        if abs(agreed) > _CLOCK_SET:
            self._start = (self._start or 0.0) + agreed / RATE
            return 0
        room = agreed if self._end is None else min(agreed, self._end - place)
        return max(0, round(room))

    def _late(self, place: float, frames: Sequence[Stamp]) -> list[float]:
        """By how many samples each stamp is ahead of where its frame comes."""
        first = frames[0].time
        if self._start is None and first is not None:
            self._start = first - place / RATE
        start = self._start or 0.0
        places = accumulate((frame.samples for frame in frames), initial=place)
        return [
            (frame.time - start) * RATE - at
            for frame, at in zip(frames, places, strict=False)
            if frame.time is not None
        ]


def _jumps(late: float) -> bool:
    """Whether it is more than packets are off; sound that comes too early is kept, so that is no jump."""
    return late > _LEAST_GAP or late < -_CLOCK_SET
