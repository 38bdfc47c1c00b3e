"""How full memory is, in four words."""

from __future__ import annotations

import pytest

from ipc.snapshot import Pressure
from supervisor.memory.pressure import Thresholds, pressure_of


@pytest.mark.parametrize(
    ("share", "before", "level"),
    [
        (0.0, "low", "low"),
        (0.499, "low", "low"),
        (0.50, "low", "medium"),
        (0.749, "low", "medium"),
        (0.75, "low", "high"),
        (0.90, "low", "critical"),
        (1.2, "low", "critical"),
        (0.88, "critical", "critical"),
        (0.851, "critical", "critical"),
        (0.849, "critical", "high"),
        (0.72, "critical", "high"),
        (0.69, "critical", "medium"),
        (0.46, "critical", "medium"),
        (0.44, "critical", "low"),
        (0.72, "high", "high"),
        (0.72, "medium", "medium"),
        (0.46, "medium", "medium"),
        (0.46, "low", "low"),
        (0.91, "medium", "critical"),
        (-0.1, "high", "low"),
    ],
)
def test_up_at_once_and_down_only_when_clearly_below(share: float, before: Pressure, level: Pressure) -> None:
    assert pressure_of(share, before, Thresholds()) == level


def test_thresholds_are_the_operators() -> None:
    assert pressure_of(0.6, "low", Thresholds(0.2, 0.3, 0.6)) == "critical"
    assert pressure_of(0.59, "critical", Thresholds(0.2, 0.3, 0.6, hysteresis=0.0)) == "high"


def test_an_edge_does_not_flutter() -> None:
    level: Pressure = "low"
    seen = [level := pressure_of(share, level, Thresholds()) for share in (0.74, 0.75, 0.74, 0.75, 0.74, 0.75, 0.74)]
    assert seen == ["medium", *["high"] * 6]
