"""A rate over the last seconds."""

from __future__ import annotations

import pytest

from supervisor.rate import Rate


def test_unknown_until_two_readings() -> None:
    rate = Rate()
    assert rate.per_second() is None
    rate.read(1.0, 10)
    assert rate.per_second() is None


def test_counts_per_second_between_the_oldest_and_the_newest_reading() -> None:
    rate = Rate()
    rate.read(1.0, 10)
    rate.read(2.0, 30)
    rate.read(3.0, 70)
    assert rate.per_second() == pytest.approx(30.0)


def test_readings_older_than_the_window_are_forgotten() -> None:
    rate = Rate(window_seconds=2.0)
    for second, count in enumerate((0, 1000, 1000, 1000, 1000)):
        rate.read(float(second), count)
    assert rate.per_second() == 0.0


def test_a_counter_that_fell_began_anew() -> None:
    rate = Rate()
    rate.read(1.0, 500)
    rate.read(2.0, 5)
    assert rate.per_second() is None
    rate.read(3.0, 15)
    assert rate.per_second() == pytest.approx(10.0)
