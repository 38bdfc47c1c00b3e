"""How full memory is, in four words: up at once, down only when clearly below, so that an edge does not flutter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ipc.snapshot import Pressure

ORDER: Final[tuple[Pressure, ...]] = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares of the whole, 0..1, from which each level counts."""

    medium: float = 0.50
    high: float = 0.75
    critical: float = 0.90
    hysteresis: float = 0.05
    """A level ends so far below where it begins."""

    @property
    def begins(self) -> Mapping[Pressure, float]:
        """Where each level begins."""
        return {"low": 0.0, "medium": self.medium, "high": self.high, "critical": self.critical}


USUAL: Final = Thresholds()


def pressure_of(share: float, before: Pressure, thresholds: Thresholds) -> Pressure:
    """The level at a share in use, after the level `before`."""
    now: Pressure = "low"
    for level in ORDER[1:]:
        slack = thresholds.hysteresis if ORDER.index(level) <= ORDER.index(before) else 0.0
        if share >= thresholds.begins[level] - slack:
            now = level
    return now
