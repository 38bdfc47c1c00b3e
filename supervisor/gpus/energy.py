"""Whose energy it was: what each GPU's counter adds, divided among the engines at work there.

An estimate: engines that share a GPU share equally what it spends, whatever each of them did with it, and what it draws
anyway counts as theirs while they work. Only what a counter told is divided, so what it did not tell (a lost card, a
driver that was loaded anew, a pause in the readings) is missing, and the figures are then too low.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ipc.snapshot import GpuReading

GAP_SECONDS: Final = 3.0
"""Between two counts of a card: after a longer pause nobody knows who was at work while it was spent."""


@dataclass(slots=True)
class _Count:
    """What a GPU counted last, and who has worked on it since."""

    joules: float | None
    """None where the next count is a new beginning."""
    unix: float
    """The card's own time of it."""
    at: float
    watts: float
    at_work: frozenset[str]
    """When it was last looked at."""
    looks: int = 0
    """Since this count."""
    shares: dict[str, float] = field(default_factory=dict)
    """Of those looks: an equal part of each for every engine that was at work."""


class EnergyMeter:
    """A counter of joules for each engine, which only grows. Every `at` is in monotonic seconds."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._gpus: dict[str, frozenset[str]] = {}
        self._counted: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def read(self, readings: Iterable[GpuReading], at_work: Mapping[str, frozenset[str]], at: float) -> None:
        """Once a second: `at_work` names, by the UUID of each GPU, the engines that worked there since the last call.

        A reading that has come before (of a card that answers late) adds nothing; the next one counts for both.
        """
        for engine in frozenset[str]().union(*at_work.values()):
            self._gpus[engine] = frozenset(uuid for uuid, engines in at_work.items() if engine in engines)
        for reading in readings:
            if reading.uuid:
                self._read(reading, at_work.get(reading.uuid, frozenset()), at)

    def joules(self, engine: str, at: float) -> float | None:
        """What GPUs have spent on `engine` until `at`; since their last count it is a guess by the power of then.

        A guess that was too high is not taken back: the figure waits until the count has caught up. None where no GPU
        that the engine last worked on counts energy, and before its first work; its figure begins at 0, so work that
        found None before it and a number after it took that number.
        """
        counts = [self._counts[uuid] for uuid in self._gpus.get(engine, ()) if uuid in self._counts]
        if not counts:
            return None
        guess = sum(
            count.watts / len(count.at_work) * min(max(at - count.at, 0.0), GAP_SECONDS)
            for count in counts
            if engine in count.at_work
        )
        told = max(self._told.get(engine, 0.0), self._counted.get(engine, 0.0) + guess)
        self._told[engine] = told
        return told

    def _read(self, reading: GpuReading, at_work: frozenset[str], at: float) -> None:
        last = self._counts.get(reading.uuid)
        if reading.stale:
            if last is not None:
                last.joules, last.at_work = None, frozenset()
            return
        if last is not None:
            last.at_work = at_work
            last.looks += 1
            for engine in at_work:
                last.shares[engine] = last.shares.get(engine, 0.0) + 1 / len(at_work)
        joules = reading.energy_joules
        if joules is None or (last is not None and reading.unix == last.unix):
            return
        if last is not None and last.joules is not None and at - last.at <= GAP_SECONDS:
            self._divide(max(0.0, joules - last.joules), last)
        self._counts[reading.uuid] = _Count(joules, reading.unix, at, reading.power_watts or 0.0, at_work)

    def _divide(self, joules: float, since: _Count) -> None:
        for engine, share in since.shares.items():
            self._counted[engine] = self._counted.get(engine, 0.0) + joules * share / since.looks
