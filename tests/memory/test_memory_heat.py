"""When a hot GPU is warned of, held and let go on."""

from __future__ import annotations

import pytest

from supervisor.memory.heat import Heat, HeatRule, heat_of


@pytest.mark.parametrize(
    ("temperature", "warm", "held"),
    [(20.0, False, False), (79.9, False, False), (80.0, True, False), (86.9, True, False), (87.0, True, True)],
)
def test_rising(temperature: float, warm: bool, held: bool) -> None:
    assert heat_of(temperature, 90.0, None, HeatRule()) == Heat(warm, held, 87.0)


@pytest.mark.parametrize(
    ("temperature", "warm", "held"),
    [(86.0, True, True), (78.0, True, True), (77.1, True, True), (77.0, False, False), (30.0, False, False)],
)
def test_falling_from_a_hold(temperature: float, warm: bool, held: bool) -> None:
    assert heat_of(temperature, 90.0, Heat(True, True, 87.0), HeatRule()) == Heat(warm, held, 87.0)


def test_a_warning_ends_three_degrees_below_and_does_not_hold() -> None:
    warm = Heat(True, False, 87.0)
    assert heat_of(77.1, 90.0, warm, HeatRule()) == warm
    assert heat_of(77.0, 90.0, warm, HeatRule()) == Heat(False, False, 87.0)
    assert heat_of(86.9, 90.0, warm, HeatRule()) == warm


@pytest.mark.parametrize(
    ("slowdown", "rule", "limit"),
    [
        (95.0, HeatRule(), 92.0),
        (None, HeatRule(), 87.0),
        (0.0, HeatRule(), 87.0),
        (95.0, HeatRule(hold_celsius=70.0), 70.0),
        (None, HeatRule(hold_celsius=70.0), 70.0),
    ],
)
def test_the_hold_mark_is_the_operators_or_the_cards(slowdown: float | None, rule: HeatRule, limit: float) -> None:
    assert heat_of(limit, slowdown, None, rule) == Heat(limit >= 80, True, limit)
    assert not heat_of(limit - 0.1, slowdown, None, rule).held


def test_an_unknown_temperature_changes_nothing() -> None:
    hot = Heat(True, True, 87.0)
    assert heat_of(None, 90.0, hot, HeatRule()) == hot
    assert heat_of(None, 90.0, None, HeatRule()) == Heat(False, False, 87.0)


def test_how_far_to_cool_is_the_operators() -> None:
    hot = Heat(True, True, 87.0)
    assert heat_of(84.9, 90.0, hot, HeatRule(resume_below=2.0)) == Heat(True, False, 87.0)
