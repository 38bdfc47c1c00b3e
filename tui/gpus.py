"""The GPUs as last read: a minute of their work, and since when one is too warm. Pure but for its own memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal, TypeAlias

from ipc.snapshot import GpuReading

HISTORY = 60
"""Samples kept for each sparkline, one a second."""
WARM_CELSIUS = 80.0
NEAR_CELSIUS = 5.0
"""So close to its own slowdown threshold a card is hot, whatever else is known of it."""
COOLER_CELSIUS = 3.0
"""So far below the mark an alert ends: a card that wavers around it raises one alert, not many."""

Heat: TypeAlias = Literal["", "warm", "hot"]


def heat(reading: GpuReading) -> Heat:
    """Whether a card is warm, or so hot that it slows itself down or is about to. Old values say nothing."""
    if reading.stale:
        return ""
    now, limit = reading.temperature_celsius, reading.slowdown_celsius
    if any("thermal" in reason for reason in reading.throttle):
        return "hot"
    if now is None:
        return ""
    if limit is not None and now >= limit - NEAR_CELSIUS:
        return "hot"
    return "warm" if now >= WARM_CELSIUS else ""


def _still_warm(reading: GpuReading) -> bool:
    now, limit = reading.temperature_celsius, reading.slowdown_celsius
    mark = WARM_CELSIUS if limit is None else min(WARM_CELSIUS, limit - NEAR_CELSIUS)
    return not reading.stale and now is not None and now > mark - COOLER_CELSIUS


class GpuPast:
    """What is remembered of each GPU, by index."""

    def __init__(self) -> None:
        self.work: dict[int, deque[float | None]] = {}
        """Utilisation in percent, one sample a second, None where there was none."""
        self.warm: dict[int, float | None] = {}
        """GPUs that raise an alert of heat, with the unix time it began; None where nobody saw it begin."""

    def look(self, gpus: Sequence[GpuReading], unix: float | None) -> None:
        """Take the readings of now in; `unix` is None for the first look after a time without any."""
        for reading in gpus:
            if heat(reading):
                self.warm.setdefault(reading.index, unix)
            elif not _still_warm(reading):
                self.warm.pop(reading.index, None)
        there = {reading.index for reading in gpus}
        self.work = {index: past for index, past in self.work.items() if index in there}
        self.warm = {index: since for index, since in self.warm.items() if index in there}

    def tick(self, gpus: Sequence[GpuReading], unix: float) -> None:
        """A second has passed."""
        self.look(gpus, unix)
        for reading in gpus:
            past = self.work.setdefault(reading.index, deque(maxlen=HISTORY))
            past.append(None if reading.stale else reading.utilisation_percent)
