"""The store: what was acknowledged is there after a kill -9, a full disk loses nothing, commits carry each other."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import anyio
import pytest

from ipc.errors import EngineRoomError, Problem
from ipc.work import PlannedUnit, ResultRow
from supervisor.jobs import changes
from supervisor.jobs.changes import Change
from supervisor.jobs.job import Facts, Measured, Spec
from supervisor.jobs.reading import results, take_up
from supervisor.jobs.schema import MIGRATIONS, connect
from supervisor.jobs.store import Store

pytestmark = pytest.mark.anyio

SPEC = Spec(1, "box-1", "fake", ("/in",), "/out", ("/out",), "", {}, 0.0)
ADDED = changes.JobAdded(SPEC, Facts())


def planned(count: int) -> changes.UnitsPlanned:
    return changes.UnitsPlanned(1, 0, 0, tuple(PlannedUnit(f"unit {n}", f"line {n}", None) for n in range(count)))


def done(index: int, result: str = '"yes"') -> changes.UnitDone:
    return changes.UnitDone(1, index, result, Measured(1, 0.1), None)


class Running:
    """A store under way, and what it told."""

    def __init__(self, store: Store, troubles: list[Problem | None], connection: sqlite3.Connection) -> None:
        self.store = store
        self.troubles = troubles
        self.connection = connection
        self.told: list[object] = []
        self._news = anyio.Event()

    def write(self, *what: Change, name: object) -> None:
        self.store.write(what, partial(self.told.append, name))

    def rang(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        with anyio.fail_after(10):
            while not holds():
                await self._news.wait()


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[Running]:
    troubles: list[Problem | None] = []
    store = Store(path, troubles.append)
    it = Running(store, troubles, await store.open(lambda connection: connection))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.run, it.rang)
        try:
            yield it
        finally:
            await store.close()
            tasks.cancel_scope.cancel()


async def test_outcomes_come_in_order_and_commits_carry_each_other(tmp_path: Path) -> None:
    async with running(tmp_path / "jobs.sqlite") as it:
        commits: list[str] = []
        it.connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        it.write(ADDED, planned(2000), name="added")
        for index in range(2000):
            it.write(done(index), name=index)
        await it.until(lambda: len(it.told) == 2001)
        assert it.told == ["added", *range(2000)]
        assert len(commits) < 20


async def test_a_read_sees_everything_written_before_it(tmp_path: Path) -> None:
    async with running(tmp_path / "jobs.sqlite") as it:
        it.write(ADDED, planned(3), name="added")
        it.write(done(0), done(2), name="done")
        it.store.read(lambda connection: partial(it.told.append, results(connection, tmp_path, 1, None, -1, 10)))
        await it.until(lambda: len(it.told) == 3)
        rows = tuple(ResultRow(index, f"unit {index}", '"yes"') for index in (0, 2))
        assert it.told[2] == (rows, True)


async def test_a_unit_keeps_its_first_ending(tmp_path: Path) -> None:
    async with running(tmp_path / "jobs.sqlite") as it:
        it.write(ADDED, planned(2), name="added")
        it.write(done(0, "1"), done(0, "2"), changes.UnitSetAside(1, 0, "failed"), name="twice")
        it.write(changes.UnitSetAside(1, 1, "failed"), done(1, "3"), name="late")
        await it.until(lambda: len(it.told) == 3)
        found = it.connection.execute("SELECT state, result FROM units ORDER BY idx").fetchall()
        assert found == [("done", "1"), ("failed", None)]


async def test_a_full_disk_loses_nothing_and_tells_nobody_too_early(tmp_path: Path) -> None:
    async with running(tmp_path / "jobs.sqlite") as it:
        it.write(ADDED, planned(4), name="added")
        await it.until(lambda: it.told == ["added"])
        (pages,) = it.connection.execute("PRAGMA page_count").fetchone()
        it.connection.execute(f"PRAGMA max_page_count = {pages}")
        it.write(done(0, "x" * 60_000), name="large")
        it.write(done(1), name="small")
        await it.until(lambda: bool(it.troubles))
        assert "full" in str(it.troubles[0])
        assert it.told == ["added"]
        it.connection.execute("PRAGMA max_page_count = 200000")
        await it.until(lambda: len(it.told) == 3)
        assert it.told == ["added", "large", "small"]
        assert it.troubles[1:] == [None]


async def test_closing_stores_what_was_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    async with running(path) as it:
        it.write(ADDED, planned(500), name="added")
        for index in range(500):
            it.write(done(index), name=index)
    with closing(connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM units WHERE state = 'done'").fetchone() == (500,)


async def test_closing_gives_up_on_a_disk_that_refuses(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    async with running(path) as it:
        it.write(ADDED, planned(1), name="added")
        await it.until(lambda: it.told == ["added"])
        (pages,) = it.connection.execute("PRAGMA page_count").fetchone()
        it.connection.execute(f"PRAGMA max_page_count = {pages}")
        it.write(done(0, "x" * 60_000), name="large")
        await it.until(lambda: bool(it.troubles))
    assert it.told == ["added"]


WRITER = """
import sys
from functools import partial
from pathlib import Path
import anyio
from test_jobs_store import ADDED, done, planned
from supervisor.jobs.store import Store

async def main():
    store = Store(Path(sys.argv[1]), print)
    await store.open(lambda connection: None)
    store.write((ADDED, planned(20000)), lambda: None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.run, sys.stdout.flush)
        for index in range(20000):
            store.write((done(index),), partial(print, index))
            await anyio.sleep(0)

anyio.run(main)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    root, here = Path(__file__).parents[2], Path(__file__).parent
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}:{here}"},
    ) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = {index for (index,) in connection.execute("SELECT idx FROM units WHERE state = 'done'")}
        under_way = take_up(connection, path).under_way
    assert acknowledged == list(range(len(acknowledged)))
    assert set(acknowledged) <= stored
    assert {*under_way[0].free} == {*range(20000)} - stored


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(EngineRoomError, match="newer"):
        connect(path)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"these are not the pages of a database\n" * 100)
    with pytest.raises(EngineRoomError, match="move the file away"):
        connect(path)


def test_opened_again_it_is_the_same_store(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    for _ in range(2):
        with closing(connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert path.stat().st_mode & 0o777 == 0o600
