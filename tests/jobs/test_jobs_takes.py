"""Which take a unit is: another each time that the operator wants it done again, the same whatever else happens."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from job_site import Site, lines_of, site

from ipc.control import ShowUnits
from supervisor.jobs.floor import EngineView
from supervisor.jobs.schema import MIGRATIONS, connect

pytestmark = pytest.mark.anyio


async def finished(it: Site, lines: int = 2) -> str:
    id_ = (await it.submit(lines)).id
    await it.finish(id_)
    return id_


def takes(it: Site) -> list[dict[str, int]]:
    """Of each flight that was sent: which take each line was."""
    return [{line: order.take for order in message.units for line in lines_of(order)} for _, message in it.floor.flown]


async def shown(it: Site, id_: str) -> list[int]:
    """The takes that `job units` tells."""
    return [row.take for row in (await it.foreman.units(ShowUnits(id_, -1))).rows]


async def test_each_redo_is_another_take(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        for _ in range(2):
            await it.redo(id_, "line 1")
            await it.finish(id_)
        assert takes(it) == [{"line 0": 0, "line 1": 0}, {"line 1": 1}, {"line 1": 2}]
        assert await shown(it, id_) == [0, 2]


async def test_a_take_survives_its_supervisor(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        await it.redo(id_, "line 1")
    async with site(tmp_path) as it:
        await it.finish(id_)
        assert takes(it) == [{"line 1": 1}]
    async with site(tmp_path) as it:
        await it.redo(id_, "line 1")
        await it.finish(id_)
        assert takes(it) == [{"line 1": 2}]


async def test_a_flight_after_a_death_is_the_same_take(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        await it.redo(id_, "line 0")
        for _ in range(2):
            engine, message = await it.flight()
            it.lose(engine, message, "own")
        await it.finish(id_)
        assert takes(it)[1:] == [{"line 0": 1}] * 3


async def test_a_retry_is_the_same_take(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"line 1"}
        id_ = (await it.submit(2)).id
        await it.finish(id_, "done with problems")
        it.bad = set()
        await it.retry(id_)
        await it.finish(id_)
        assert takes(it)[1:] == [{"line 1": 0}]


async def test_after_a_take_that_failed_the_next_is_another(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        it.bad = {"line 1"}
        await it.redo(id_, "line 1")
        await it.finish(id_)
        it.bad = set()
        await it.redo(id_, "line 1")
        await it.finish(id_)
        assert takes(it)[1:] == [{"line 1": 1}, {"line 1": 2}]


async def test_a_deterministic_company_that_flies_again_is_the_same_takes(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 2, True, True, True, "")) as it:
        id_ = await finished(it)
        await it.redo(id_, "line 0")
        await it.finish(id_)
        await it.redo(id_, "line 0", "line 1")
        engine, message = await it.flight()
        it.do(engine, message, 1)
        it.lose(engine, message, "outside")
        await it.finish(id_)
        assert takes(it)[2:] == [{"line 0": 2, "line 1": 1}] * 2


async def test_a_redo_while_the_company_flies_takes_no_result_of_the_take_before(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 2, True, True, True, "")) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        it.lose(engine, message, "outside")
        await it.until(lambda: it.row().units_done == 1)
        engine, message = await it.flight()
        await it.redo(id_, "line 0")
        it.do(engine, message)
        it.land(engine, message)
        it.word = "new"
        await it.finish(id_)
        assert takes(it) == [{"line 0": 0, "line 1": 0}] * 2 + [{"line 0": 1, "line 1": 0}]
        assert it.answers() == ["new line 0", "done line 1"]


async def test_a_company_taken_up_by_the_next_supervisor_is_the_same_takes(tmp_path: Path) -> None:
    writer = EngineView("writer", 2, True, True, True, "")
    async with site(tmp_path, writer) as it:
        id_ = await finished(it)
        await it.redo(id_, "line 0")
        await it.finish(id_)
        await it.redo(id_, "line 0", "line 1")
        engine, message = await it.flight()
        it.do(engine, message, 1)
        await it.until(lambda: it.row(id_).units_done == 1)
    async with site(tmp_path, writer) as it:
        await it.finish(id_)
        assert takes(it) == [{"line 0": 2, "line 1": 1}]


def test_a_store_from_before_there_were_takes_has_none(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(f"{''.join(MIGRATIONS[:2])} PRAGMA user_version = 2;")
        old.execute("INSERT INTO jobs VALUES (1, '{}', '{}')")
        old.execute(
            "INSERT INTO units (job, idx, payload, place, source, start) VALUES (1, 0, '{}', 'in.jsonl line 1', 0, '')"
        )
    with closing(connect(path)) as store:
        assert store.execute("SELECT take FROM units").fetchall() == [(0,)]
