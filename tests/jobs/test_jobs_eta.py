"""How fast a job goes and when it ends: rates of the last minute, and an interval as wide as it is uncertain."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from job_site import site
from msgspec.structs import replace

from ipc import control
from supervisor.jobs.eta import NINE_OF_TEN, WINDOW_SECONDS, Meter
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Job, Spec
from supervisor.jobs.rows import About, row_of

ONE = EngineView("one", 1, False, True, True, "")
SPEC = Spec(1, "box-1", "fake", ("/in",), "/out", ("/out",), "", {}, 0.0)


def metered(counts: Iterable[int], tokens: int = 0) -> Meter:
    """A meter over a job that ended so many units in each second, of so many tokens each."""
    meter, done = Meter(0.0, Facts()), 0
    for second, count in enumerate(counts, 1):
        done += count
        meter.read(float(second), Facts(done=done, tokens=tokens * done))
    return meter


# ── the rate ──────────────────────────────────────────────────────────────────────────────────────────────


def test_rates_are_of_the_last_minute_and_unknown_before_anything_ended() -> None:
    meter = Meter(0.0, Facts(done=10, tokens=1000))
    assert meter.per_second() == (None, None)
    meter.read(50.0, Facts(done=10, tokens=1000))
    assert meter.per_second() == (None, None)
    assert meter.eta(5) is None
    meter.read(100.0, Facts(done=20, tokens=1100))
    assert meter.per_second() == (0.2, 2.0)
    meter.read(1000.0, Facts(done=20, tokens=1100))
    assert meter.per_second() == (0.01, 0.1), "of all it did, while nothing ended in the last minute"
    facts = Facts(attempts=1, planned=30, all_planned=True, done=20)
    row = row_of(SPEC, facts, Job(SPEC), About((ONE,)), meter)
    assert row.eta_seconds == pytest.approx(1000.0)


def test_a_change_of_pace_shows_within_a_minute() -> None:
    slow = int(WINDOW_SECONDS)
    meter = metered([0, 0, 0, 1] * 30 + [2] * slow, tokens=5)
    assert meter.per_second() == (2.0, 10.0)


def test_units_that_failed_count_as_done_with() -> None:
    meter = Meter(0.0, Facts())
    meter.read(10.0, Facts(done=3, failed=2))
    assert meter.per_second()[0] == 0.5


def test_units_that_are_done_again_begin_a_new_measurement() -> None:
    meter = metered([1] * 20)
    meter.read(21.0, Facts(done=5))
    assert meter.per_second() == (None, None)
    meter.read(31.0, Facts(done=10))
    assert meter.per_second()[0] == 0.5


# ── when it ends, and how sure that is ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("counts", "left", "seconds", "spread"),
    [
        ([1] * 10, 20, 20.0, 0.0),  # a clock
        ([2, 0] * 10, 30, 30.0, NINE_OF_TEN * 30 * math.sqrt(1 / 20 + 1 / 30)),  # variance 1, mean 1
        ([4, 0, 0, 0] * 5, 40, 40.0, NINE_OF_TEN * 40 * math.sqrt(3 / 20 + 3 / 40)),  # variance 3, mean 1
        ([0, 0, 0, 2] * 5, 10, 20.0, NINE_OF_TEN * 20 * math.sqrt(1.5 / 10 + 1.5 / 10)),  # variance 0.75, mean 0.5
        ([1, 0, 1, 0, 1, 1], 8, 12.0, None),  # too few to tell
        ([1] * 10, 0, 0.0, None),  # nothing is left
        ([3] + [0] * 60, 6, 122.0, None),  # nothing ended in the last minute
    ],
)
def test_the_eta_and_its_spread(counts: list[int], left: int, seconds: float, spread: float | None) -> None:
    eta = metered(counts).eta(left)
    assert eta is not None
    assert eta.seconds == pytest.approx(seconds)
    assert eta.spread_seconds == (None if spread is None else pytest.approx(spread))


def test_the_interval_holds_the_end_nine_times_out_of_ten() -> None:
    """Units that end at random, one every two seconds or so; a minute is watched, two minutes are left."""
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        counts = [sum(chance.random() < 0.05 for _ in range(10)) for _ in range(60)]
        eta = metered(counts).eta(60)
        assert eta is not None
        assert eta.spread_seconds is not None
        end = sum(chance.expovariate(0.5) for _ in range(60))
        held += abs(end - eta.seconds) <= eta.spread_seconds
    assert 0.8 < held / 400 < 0.97


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        (Facts(attempts=1, planned=30, all_planned=True, done=8, failed=2), 20),
        (Facts(attempts=1, planned=10, share=0.5, done=10), 10),
        (Facts(attempts=1, planned=10, share=None, done=10), None),
    ],
)
def test_a_row_tells_its_eta_where_the_units_are_known_or_expected(facts: Facts, left: int | None) -> None:
    meter = metered([2, 0] * 10)
    row = row_of(SPEC, facts, Job(SPEC, facts), About((ONE,)), meter)
    eta = None if left is None else meter.eta(left)
    assert row.eta_seconds == (None if eta is None else eta.seconds)
    assert row.eta_spread_seconds == (None if eta is None else eta.spread_seconds)


def test_only_what_runs_has_a_rate() -> None:
    meter = metered([1] * 10)
    facts = Facts(attempts=1, planned=30, all_planned=True, done=10, paused=True)
    row = row_of(SPEC, facts, Job(SPEC, facts), About((ONE,)), meter)
    assert (row.state, row.units_per_second, row.eta_seconds, row.eta_spread_seconds) == ("paused", None, None, None)


# ── as clients see it ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_the_units_to_come_are_an_estimate_until_all_is_read(tmp_path: Path) -> None:
    async with site(tmp_path, replace(ONE, parallel=64)) as it:
        it.floor.change("one", free=False)
        id_ = (await it.submit(1000)).id
        await it.plan()
        await it.until(lambda: it.row().units_expected is not None)
        assert it.row().units_total is None
        assert 950 <= (it.row().units_expected or 0) <= 1050
        it.floor.change("one", free=True)
        it.second()
        await it.live(lambda: it.row().units_total is not None)
        assert (it.row().units_total, it.row().units_expected) == (1000, None)
        await it.cancel(id_)


@pytest.mark.anyio
async def test_rates_are_told_every_second_while_it_runs(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = (await it.submit(30)).id
        await it.plan()
        for done in range(1, 11):
            await it.fly()
            await it.until(lambda: it.row().units_done == done)  # noqa: B023 (it is awaited within the turn)
            it.second(2.0)
        row = it.row(id_)
        assert row.units_per_second == pytest.approx(0.5, rel=0.15)
        assert row.eta_seconds == pytest.approx(40.0, rel=0.15)
        assert row.eta_spread_seconds is not None
        await it.foreman.steer(control.PauseJob(id_))
        await it.fly()
        await it.until(lambda: it.row().units_done == 11)
        it.second()
        assert it.row(id_).units_per_second is None
