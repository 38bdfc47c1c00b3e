"""Another process takes an engine's place: what flies goes on, what follows flies there, and each is paid once."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest
from job_site import Site, site

from ipc import control, work
from supervisor.jobs.floor import EngineView
from supervisor.jobs.spending import Spending

pytestmark = pytest.mark.anyio

FORMER = "writer's former process"


def hand_over(it: Site) -> None:
    """As the runner does it."""
    it.floor.engines[FORMER] = msgspec.structs.replace(it.floor.engines["writer"], name=FORMER)
    it.floor.kinds[FORMER] = "none that work is for"
    it.foreman.handed_over("writer", FORMER)
    it.floor.change("writer", free=True)
    it.foreman.engine_changed("writer")


async def aloft(it: Site, units: int) -> list[work.Fly]:
    """The next flights with so many units."""
    flights: list[work.Fly] = []
    while sum(len(flight.units) for flight in flights) < units:
        _, flight = await it.flight()
        flights.append(flight)
    return flights


@pytest.mark.parametrize("joins", [False, True])
async def test_the_next_flight_does_not_wait_for_the_former_process(tmp_path: Path, joins: bool) -> None:
    ahead = 2 if joins else 0
    async with site(tmp_path, EngineView("writer", 2, False, True, True, "", joins=joins)) as it:
        id_ = (await it.submit(4 + ahead)).id
        await it.plan()
        before = await aloft(it, 2 + ahead)
        it.floor.configure("writer", seconds_per_unit=2.0)
        hand_over(it)
        after = await aloft(it, 2)
        it.second()
        await it.until(lambda: it.row().units_flying == 4 + ahead)
        assert it.foreman.at_work() >= {"writer", FORMER}
        for engine, flights in (("writer", after), (FORMER, before)):
            for flight in flights:
                it.do(engine, flight)
                it.land(engine, flight)
        await it.until(lambda: it.row().units_done == 4 + ahead)
        assert FORMER not in it.foreman.at_work()
        first, second = (await it.foreman.detail(id_)).runs
        assert [run.settings.get("seconds_per_unit") for run in (first, second)] == [None, 2.0]
        assert (first.engine, second.engine, first.units, second.units) == ("writer", "writer", 2 + ahead, 2)


async def test_what_the_former_process_loses_flies_again_on_the_engine(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(2)
        await it.plan()
        _, before = await it.flight()
        it.do("writer", before, 1)
        hand_over(it)
        it.lose(FORMER, before, "outside")
        engine, again = await it.flight()
        assert (engine, len(again.units)) == ("writer", 1)
        it.do(engine, again)
        it.land(engine, again)
        await it.until(lambda: it.row().units_done == 2)


async def test_who_is_cancelled_is_cancelled_where_it_flies(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        _, before = await it.flight()
        hand_over(it)
        await it.cancel(id_)
        await it.until(lambda: (FORMER, before.flight) in it.floor.cancelled)


async def test_an_answer_under_way_goes_on_and_is_taken_back_there(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        answered: list[control.Piece | control.Answered] = []

        async def ask() -> None:
            answered.extend([item async for item in it.foreman.answering.ask("writer", '{"prompt": "?"}')])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            _, first = await it.flight()
            hand_over(it)
            it.do(FORMER, first)
            it.land(FORMER, first)
        assert len(answered) == 1
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            _, second = await it.flight()
            hand_over(it)
            tasks.cancel_scope.cancel()
        assert it.floor.cancelled == [(FORMER, second.flight)]


async def test_an_answer_that_had_not_begun_is_asked_of_the_engine(tmp_path: Path) -> None:
    async with site(tmp_path) as it, anyio.create_task_group() as tasks:

        async def ask() -> None:
            assert [item async for item in it.foreman.answering.ask("writer", '{"prompt": "?"}')]

        tasks.start_soon(ask)
        _, first = await it.flight()
        hand_over(it)
        it.land(FORMER, first)
        engine, again = await it.flight()
        assert engine == "writer"
        it.do(engine, again)
        it.land(engine, again)


def test_flights_that_go_on_elsewhere_keep_what_they_cost_so_far() -> None:
    spending = Spending()
    spending.began("writer", 1, 1, 100.0)
    spending.handed_over("writer", 110.0, FORMER, None)
    spending.began("writer", 2, 1, 115.0)
    assert spending.ended("writer", 2, 120.0) == 5.0
    assert spending.ended(FORMER, 1, 4.0) == 14.0
