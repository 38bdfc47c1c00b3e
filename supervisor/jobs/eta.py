"""How fast a job goes, when it will be done, and how sure that is. Pure.

The counts of units in each second are taken for a renewal process: over n of them with an index of dispersion D
(variance ÷ mean of the counts), the rate is known to a relative error of √(D/n), and the m units that are left add
√(D/m) of their own (D. R. Cox, Renewal Theory, 1962, section 3).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from supervisor.jobs.job import Facts

WINDOW_SECONDS = 60.0
NINE_OF_TEN = 1.645
"""Standard deviations of a normal distribution around its mean that hold nine tenths of it."""
ENOUGH_UNITS = 5
"""Fewer say nothing about the spread."""


@dataclass(frozen=True)
class Reading:
    """What was done by some moment (monotonic seconds)."""

    at: float
    units: int
    tokens: int


@dataclass(frozen=True)
class Eta:
    """Seconds to the end, and half the width of the interval that holds it nine times out of ten."""

    seconds: float
    spread_seconds: float | None


class Meter:
    """Over the last minute, or, while no unit ended in that, since the job was first watched."""

    def __init__(self, monotonic: float, facts: Facts) -> None:
        self._first = reading(monotonic, facts)
        self._recent = deque((self._first,))

    def read(self, monotonic: float, facts: Facts) -> None:
        """Once a second. Units that are done again start it anew."""
        latest = reading(monotonic, facts)
        if latest.units < self._recent[-1].units:
            self._first = latest
            self._recent.clear()
        self._recent.append(latest)
        while self._recent[0].at < monotonic - WINDOW_SECONDS:
            self._recent.popleft()

    def per_second(self) -> tuple[float | None, float | None]:
        """Units and tokens; None until a unit ended while it was watched."""
        last = self._recent[-1]
        for since in (self._recent[0], self._first):
            seconds = last.at - since.at
            if last.units > since.units and seconds > 0:
                return (last.units - since.units) / seconds, (last.tokens - since.tokens) / seconds
        return None, None

    def eta(self, left: int) -> Eta | None:
        """When `left` more units are done at this rate."""
        rate, _ = self.per_second()
        if rate is None:
            return None
        seconds = left / rate
        return Eta(seconds, _spread(tuple(self._recent), left, seconds))


def reading(monotonic: float, facts: Facts) -> Reading:
    """What is done now."""
    return Reading(monotonic, facts.done + facts.failed, facts.tokens)


def _spread(recent: tuple[Reading, ...], left: int, seconds: float) -> float | None:
    ended = recent[-1].units - recent[0].units
    if ended < ENOUGH_UNITS or left <= 0:
        return None
    counts = [after.units - before.units for before, after in zip(recent, recent[1:], strict=False)]
    mean = ended / len(counts)
    dispersion = sum((count - mean) ** 2 for count in counts) / len(counts) / mean
    return NINE_OF_TEN * seconds * math.sqrt(dispersion / ended + dispersion / left)
