"""What is known of units one by one: pages of them, under which settings each was done, and what it cost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from job_site import Site, site

from ipc import control, work
from ipc.errors import RequestFailed
from ipc.snapshot import UnitRow, UnitState
from supervisor.jobs import details
from supervisor.jobs.floor import EngineView
from supervisor.jobs.runs import Run, Runs

pytestmark = pytest.mark.anyio

WRITER = EngineView("writer", 1, False, True, True, "")
OTHER = EngineView("other", 1, False, False, True, "")


async def page(it: Site, id_: str, after: int = -1, limit: int = 1000, *states: UnitState) -> control.UnitPage:
    return await it.foreman.units(control.ShowUnits(id_, after, limit, states))


async def units(it: Site, id_: str) -> tuple[UnitRow, ...]:
    return (await page(it, id_)).rows


# ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_an_engine_with_its_settings() -> None:
    runs = Runs()
    runs.skip(4)
    told = []
    for job, engine, parallel in ((1, "a", 1), (1, "a", 1), (1, "b", 1), (1, "a", 2), (1, "b", 1), (2, "a", 2)):
        number, began = runs.of(job, Run(engine, {"parallel": parallel}, 0.0))
        told.append((number, began is not None))
    assert told == [(5, True), (5, False), (6, True), (7, True), (6, False), (8, True)]
    runs.forget(1)
    assert runs.of(1, Run("b", {"parallel": 1}, 0.0))[0] == 9
    assert runs.of(2, Run("a", {"parallel": 2}, 0.0)) == (8, None)


async def test_units_say_under_which_settings_they_were_done(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        id_ = (await it.submit(4)).id
        await it.plan()
        await it.fly()
        engine, message = await it.flight()
        it.floor.configure("writer", seconds_per_unit=2.0)
        it.do(engine, message)
        it.land(engine, message)
        await it.fly_all(2)
        await it.until(lambda: it.row().units_done == 4)
        first, second = (await it.foreman.detail(id_)).runs
        assert (first.engine, first.units, first.settings.get("seconds_per_unit")) == ("writer", 2, None)
        assert (second.engine, second.units, second.settings["seconds_per_unit"]) == ("writer", 2, 2.0)
        assert [row.run for row in await units(it, id_)] == [first.number] * 2 + [second.number] * 2


async def test_two_engines_are_two_runs_and_a_new_supervisor_begins_others(tmp_path: Path) -> None:
    other = msgspec.structs.replace(OTHER, free=True)
    async with site(tmp_path, WRITER, other) as it:
        id_ = (await it.submit(6)).id
        await it.plan()
        await it.fly_all(2)
        await it.until(lambda: it.row().units_done == 2)
    async with site(tmp_path, WRITER, other) as it:
        await it.finish(id_)
        runs = (await it.foreman.detail(id_)).runs
        assert sorted(run.engine for run in runs) == ["other", "other", "writer", "writer"]
        assert sum(run.units for run in runs) == 6
        assert len({run.number for run in runs}) == 4


async def test_a_unit_that_is_done_again_counts_for_its_new_run(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.finish(id_)
        it.floor.configure("writer", tokens_per_unit=9)
        await it.redo(id_, "#1")
        await it.finish(id_)
        assert [run.units for run in (await it.foreman.detail(id_)).runs] == [1, 1]


# ── pages of units ────────────────────────────────────────────────────────────────────────────────────────


async def test_every_unit_with_its_state(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"line 1"}
        id_ = (await it.submit(6)).id
        await it.plan()
        await it.fly()
        engine, message = await it.flight()
        await it.until(lambda: it.row().units_failed == 1)
        rows = await units(it, id_)
        assert [row.state for row in rows] == ["done", "failed", "flying", "flying", "planned", "planned"]
        assert [(row.index, row.name, row.where) for row in rows[:2]] == [
            (0, "line 0", "in.jsonl line 1"),
            (1, "line 1", "in.jsonl line 2"),
        ]
        assert (rows[0].tokens, rows[0].seconds, rows[0].ttft_seconds, rows[0].attempts) == (7, 0.5, 0.1, 1)
        assert rows[0].result_bytes == it.row().result_bytes
        nothing = (rows[2].tokens, rows[2].seconds, rows[2].run, rows[2].joules, rows[2].audio_seconds)
        assert nothing == (None,) * 5, "what was not measured is not told"
        it.second()
        assert it.row().units_flying == 2
        it.do(engine, message)
        it.land(engine, message)


async def test_units_come_in_pages(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"line 2", "line 5"}
        id_ = (await it.submit(7)).id
        await it.finish(id_, "done with problems")
        seen: list[int] = []
        last = False
        while not last:
            answer = await page(it, id_, seen[-1] if seen else -1, 3)
            assert len(answer.rows) == (1 if answer.last else 3)
            seen += [row.index for row in answer.rows]
            last = answer.last
        assert seen == [*range(7)]
        assert [row.index for row in (await page(it, id_, -1, 1000, "failed")).rows] == [2, 5]
        assert (await page(it, id_, -1, 1, "failed")).last is False
        assert (await page(it, id_, 2, 1, "failed", "quarantined")).last is True
        assert (await page(it, id_, 6)).rows == ()
        with pytest.raises(RequestFailed, match="There is no job"):
            await units(it, "box-77")


async def test_a_page_holds_what_fits_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, "MOST_UNITS", 3)
    async with site(tmp_path) as it:
        id_ = (await it.submit(5)).id
        await it.finish(id_)
        answer = await page(it, id_, -1, 10**9)
        assert (len(answer.rows), answer.last) == (3, False)
        assert len((await page(it, id_, 2, 0)).rows) == 1, "at least one, so that whoever asks gets on"


async def test_attempts_are_flights_that_took_a_unit_up(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        for _ in range(2):
            engine, message = await it.flight()
            it.lose(engine, message, "outside")
        await it.finish(id_)
        assert [row.attempts for row in await units(it, id_)] == [3, 3]
        assert (await it.foreman.detail(id_)).numbers.attempts == 6


async def test_how_long_units_take(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        id_ = (await it.submit(20)).id
        await it.plan()
        for index in range(20):
            engine, message = await it.flight()
            said = it.done(message.flight, message.units[0])
            it.foreman.said(engine, msgspec.structs.replace(said, seconds=index + 1.0, ttft_seconds=None))
            it.land(engine, message)
        await it.until(lambda: it.row().units_done == 20)
        numbers = (await it.foreman.detail(id_)).numbers
        assert (numbers.unit_p50_seconds, numbers.unit_p95_seconds) == (11.0, 20.0)
        assert (numbers.ttft_p50_seconds, numbers.ttft_p95_seconds) == (None, None)


# ── what it cost ──────────────────────────────────────────────────────────────────────────────────────────


async def test_joules_are_divided_by_the_time_that_units_took(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.floor.joules = 1000.0
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        assert it.row().joules is None
        for order, seconds in zip(message.units, (1.0, 3.0), strict=True):
            it.foreman.said(engine, msgspec.structs.replace(it.done(message.flight, order), seconds=seconds))
        it.floor.joules = 1100.0
        it.land(engine, message)
        await it.finish(id_)
        assert it.row().joules == 100.0
        assert [row.joules for row in await units(it, id_)] == [25.0, 75.0]


async def test_what_a_lost_flight_cost_counts_too(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.floor.joules = 0.0
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        it.floor.joules = 40.0
        it.lose(engine, message, "outside")
        engine, message = await it.flight()
        it.do(engine, message)
        it.floor.joules = 70.0
        it.land(engine, message)
        await it.finish(id_)
        assert it.row().joules == 70.0
        assert [row.joules for row in await units(it, id_)] == [40.0, 30.0]


async def test_without_a_counter_nothing_is_said_of_energy(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.finish(id_)
        assert it.row().joules is None
        assert [row.joules for row in await units(it, id_)] == [None, None]


async def test_a_counter_that_began_with_the_flight_counts_all_of_it(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message)
        it.floor.joules = 12.0
        it.land(engine, message)
        await it.finish(id_)
        assert it.row().joules == 12.0


async def test_audio_is_added_up_and_rtf_counts_what_is_computed_together_once(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        for order in message.units:
            said: work.UnitDone = it.done(message.flight, order)
            it.now += 2.0
            it.foreman.said(engine, msgspec.structs.replace(said, seconds=4.0, audio_seconds=10.0))
        it.land(engine, message)
        await it.finish(id_)
        assert (it.row().audio_seconds, it.row().rtf) == (20.0, 0.2)
        assert [row.audio_seconds for row in await units(it, id_)] == [10.0, 10.0]
        await it.redo(id_, "#0")
        assert it.row().audio_seconds == 10.0
        await it.finish(id_)
        assert (it.row().audio_seconds, it.row().units_done) == (10.0, 2), "the new one made none"
