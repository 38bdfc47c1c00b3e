"""The store when others meddle with its file: locked, damaged, deleted, moved, replaced; and killed again and again."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import anyio
import pytest
from test_jobs_store import ADDED, Running, done, planned, running

from ipc.errors import EngineRoomError
from supervisor.jobs import writer as writer_module
from supervisor.jobs.reading import take_up
from supervisor.jobs.schema import connect
from supervisor.jobs.troubles import OtherStore, problem_of
from supervisor.jobs.writer import Batch, Write, Writer

pytestmark = pytest.mark.anyio

COUNT = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite"


@pytest.fixture
def _always_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was done to the files is seen by the next transaction."""
    monkeypatch.setattr(writer_module, "LOOK_SECONDS", 0.0)


def copied(path: Path) -> Path:
    """A backup as a person makes one while the store is in use."""
    backup = path.with_name("backup.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    return backup


def killed(path: Path) -> Path:
    """The store as it would be left if we were killed just now."""
    folder = path.with_name("killed")
    folder.mkdir()
    for file in path.parent.glob("jobs.sqlite*"):
        shutil.copy(file, folder)
    return folder / path.name


def damage(path: Path, *, begin: int = 4096, count: int = 5) -> None:
    """Overwrite `count` pages, as a broken disk or a stray program does."""
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xa5" * 4096 * count)


def units_done(path: Path) -> set[int]:
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {index for (index,) in connection.execute("SELECT idx FROM units WHERE state = 'done'")}


def files_beside(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


def titles(it: Running) -> list[str | None]:
    return [None if problem is None else problem.title for problem in it.troubles]


async def begun(it: Running) -> None:
    """A job whose first unit is done, and everything in the file itself."""
    it.write(ADDED, planned(COUNT), name="added")
    await it.until(lambda: len(it.told) == 1)
    it.write(done(0), name=0)
    await it.until(lambda: len(it.told) == 2)
    it.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def heard(it: Running, title: str | None) -> None:
    with anyio.fail_after(10):
        while True:
            if it.troubles and titles(it)[-1] == title:
                return
            await anyio.sleep(0.01)


async def test_another_programs_lock_is_told_in_two_seconds_and_waited_for(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            it.write(done(1), name=1)
            await heard(it, "Jobs locked")
            assert time.monotonic() - began < 2
            assert it.troubles[0] is not None
            assert f"fuser -v {path}" in it.troubles[0].hint
            it.write(done(2), name=2)
            other.execute("ROLLBACK")
        await it.until(lambda: it.told == ["added", 0, 1, 2])
        assert titles(it) == ["Jobs locked", None]
    assert units_done(path) == {0, 1, 2}


def delete(path: Path) -> None:
    path.unlink()


def delete_all(path: Path) -> None:
    for file in path.parent.glob("jobs.sqlite*"):
        file.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("take_away", [delete, delete_all, move])
@pytest.mark.parametrize("at_work", [True, False])
async def test_a_file_that_is_taken_away_is_written_anew_with_everything_in_it(
    path: Path, take_away: Callable[[Path], None], at_work: bool
) -> None:
    async with running(path) as it:
        await begun(it)
        it.write(done(1), name=1)
        await it.until(lambda: len(it.told) == 3)
        take_away(path)
        if at_work:
            it.write(done(2), name=2)
        await heard(it, None)
        assert titles(it) == ["Jobs file gone", None]
        it.write(done(3), name=3)
        await it.until(lambda: it.told[-1] == 3)
        assert not it.store.replaced.is_set()
    assert units_done(path) == {0, 1, 2, 3} - (set() if at_work else {2})
    assert files_beside(path) <= {"jobs.sqlite", "moved"}
    assert os.stat(path).st_mode & 0o777 == 0o600


async def test_a_file_that_is_deleted_just_before_the_end_is_there_after_it(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        it.write(done(1), name=1)
        await it.until(lambda: len(it.told) == 3)
        delete(path)
    assert units_done(path) == {0, 1}


@pytest.mark.usefixtures("_always_looks")
async def test_a_journal_that_is_deleted_takes_nothing_with_it(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        it.write(done(1), name=1)
        await it.until(lambda: len(it.told) == 3)
        path.with_name("jobs.sqlite-wal").unlink()
        it.write(done(2), name=2)
        await it.until(lambda: len(it.told) == 4)
        assert it.troubles == []
        left = killed(path)
    assert units_done(left) == {0, 1, 2}


async def test_an_older_file_put_in_its_place_is_neither_written_nor_believed(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        backup = copied(path)
        it.write(done(1), name=1)
        await it.until(lambda: len(it.told) == 3)
        backup.replace(path)
        with anyio.fail_after(10):
            await it.store.replaced.wait()
        it.write(done(2), name=2)
        assert titles(it) == ["Jobs replaced"]
        assert it.troubles[0] is not None
        kept = path.with_name("jobs.sqlite.until-3")
        assert f"ends with transaction 2, ours with 3; ours is kept as {kept}." in it.troubles[0].detail
    assert it.told == ["added", 0, 1], "what was not stored is not told"
    assert units_done(path) == {0}, "nor mixed with the journal of the file that was there"
    assert units_done(kept) == {0, 1}, "and nothing is lost"


async def test_what_was_told_while_nobody_looked_is_kept_too(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        backup = copied(path)
        backup.replace(path)
        for index in range(1, COUNT):
            it.write(done(index), name=index)
            await anyio.sleep(0.005)
            if it.store.replaced.is_set():
                break
    (kept,) = (name for name in files_beside(path) if ".until-" in name)
    assert {name for name in it.told if name != "added"} <= units_done(path.with_name(kept))


@pytest.mark.usefixtures("_always_looks")
async def test_a_copy_of_the_same_state_is_gone_on_with(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        copied(path).replace(path)
        it.write(done(1), name=1)
        await it.until(lambda: it.told[-1] == 1)
        assert it.troubles == []
    assert units_done(path) == {0, 1}
    assert not any(".until-" in name for name in files_beside(path))


@pytest.mark.parametrize("begin", [0, 8192])
async def test_damage_is_found_within_a_second_and_a_backup_put_back_is_gone_on_with(path: Path, begin: int) -> None:
    async with running(path) as it:
        await begun(it)
        backup = copied(path)
        damage(path, begin=begin)
        began = time.monotonic()
        await heard(it, "Jobs damaged")
        assert time.monotonic() - began < 2
        assert it.troubles[0] is not None
        assert str(path) in it.troubles[0].detail
        it.write(done(1), name=1)
        await anyio.sleep(0.1)
        assert it.told == ["added", 0]
        backup.replace(path)
        await it.until(lambda: it.told == ["added", 0, 1])
        assert titles(it)[-1] is None
    assert units_done(path) == {0, 1}


async def test_damage_is_found_though_the_store_is_never_idle(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        damage(path)
        with anyio.fail_after(2):
            for index in range(1, COUNT):
                it.write(done(index), name=index)
                await anyio.sleep(0.02)
                if it.troubles:
                    break
        assert titles(it) == ["Jobs damaged"]


async def test_a_damaged_file_that_is_moved_away_makes_an_end(path: Path) -> None:
    async with running(path) as it:
        await begun(it)
        damage(path, begin=0)
        await heard(it, "Jobs damaged")
        move(path)
        with anyio.fail_after(10):
            await it.store.replaced.wait()
        assert titles(it)[-1] == "Jobs replaced"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_mistake_of_ours_ends_the_run_and_is_not_waited_for_in_silence(path: Path) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="thread has died")):
        async with running(path) as it:
            await begun(it)
            it.store.read(lambda connection: partial(print, connection.execute("SELECT ?", (2**70,))))
            await anyio.sleep_forever()


# ── the writer itself ─────────────────────────────────────────────────────────────────────────────────────


def batch(*what: object) -> Batch:
    return Batch([Write(what, partial(int))])  # type: ignore[arg-type]


def opened(path: Path) -> Writer:
    writer = Writer(path)
    writer.open(lambda connection: None)
    return writer


@pytest.mark.parametrize("meddle", [lambda path: None, os.utime, delete_all])
@pytest.mark.usefixtures("_always_looks")
def test_a_batch_that_got_into_the_file_before_its_failure_is_not_stored_twice(
    path: Path, meddle: Callable[[Path], None]
) -> None:
    with closing(opened(path)) as writer:
        first = batch(ADDED, planned(3))
        writer.commit(first)
        meddle(path)
        with suppress(EngineRoomError):  # a file that is gone is told first
            writer.commit(first)
        assert len(writer.commit(first)) == 1
        writer.commit(batch(done(2)))
    with closing(connect(path)) as connection:
        assert connection.execute("SELECT number FROM commits").fetchone() == (2,)


def test_a_transaction_that_got_into_the_file_though_it_failed_is_known_by_its_mark(path: Path) -> None:
    with closing(opened(path)) as other, closing(opened(path)) as writer:
        first = batch(ADDED, planned(3))
        other.commit(first)
        with pytest.raises(sqlite3.IntegrityError):
            writer.commit(first)
        assert len(writer.commit(first)) == 1
        writer.commit(batch(done(0)))
    assert units_done(path) == {0}


def test_damage_that_only_reading_shows_is_told_and_the_file_not_trusted_before_it_is_mended(path: Path) -> None:
    writer = Writer(path)
    connection = writer.open(lambda connection: connection)
    with closing(writer):
        writer.commit(batch(ADDED, planned(COUNT)))
        writer.commit(Batch([]))  # idle: the journal is put into the file
        backup, before = copied(path), path.stat()
        damage(path, count=before.st_size // 4096 - 1)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        connection.execute("PRAGMA shrink_memory")
        first = batch(done(0))
        for _ in range(2):
            with pytest.raises((sqlite3.DatabaseError, EngineRoomError)) as caught:
                writer.commit(first)
            assert problem_of(caught.value, path).title == "Jobs damaged"
        backup.replace(path)
        writer.commit(first)
    assert units_done(path) == {0}


def test_a_journal_without_its_file_is_kept(path: Path) -> None:
    with closing(opened(path)) as writer:
        writer.commit(batch(ADDED, planned(3)))
        size = path.with_name("jobs.sqlite-wal").stat().st_size
        kept = path.with_name("kept-wal")
        shutil.copy(path.with_name("jobs.sqlite-wal"), kept)
    path.unlink()
    kept.rename(path.with_name("jobs.sqlite-wal"))
    with closing(opened(path)):
        (aside,) = path.parent.glob("jobs.sqlite-wal.aside-*")
        assert aside.stat().st_size == size


@pytest.mark.usefixtures("_always_looks")
def test_a_store_of_another_history_is_told_from_ours(path: Path) -> None:
    theirs = path.with_name("theirs.sqlite")
    for place in (path, theirs):
        with closing(opened(place)) as writer:
            writer.commit(batch(ADDED, planned(3)))
    with closing(opened(path)) as writer:
        theirs.replace(path)
        with pytest.raises(OtherStore, match="transaction 1, ours with 1"):
            writer.commit(batch(done(0)))
    assert units_done(path) == set()


@pytest.mark.usefixtures("_always_looks")
def test_a_folder_that_is_gone_is_a_trouble_that_can_pass(path: Path) -> None:
    folder = path.parent / "state"
    folder.mkdir()
    with closing(opened(folder / path.name)) as writer:
        writer.commit(batch(ADDED, planned(3)))
        folder.rename(path.parent / "elsewhere")
        for _ in range(2):
            with pytest.raises((EngineRoomError, sqlite3.Error)) as caught:
                writer.commit(batch(done(0)))
            assert str(folder) in problem_of(caught.value, folder / path.name).detail
        (path.parent / "elsewhere").rename(folder)
        writer.commit(batch(done(0)))
    assert units_done(folder / path.name) == {0}


# ── lives ─────────────────────────────────────────────────────────────────────────────────────────────────

LIFE = """
import sys
from functools import partial
from pathlib import Path
import anyio
from test_jobs_store import ADDED, done, planned
from supervisor.jobs.store import Store

async def main():
    store = Store(Path(sys.argv[1]), print)
    first = await store.open(lambda connection: connection.execute(
        "SELECT coalesce(max(idx) + 1, 0) FROM units WHERE state = 'done'").fetchone()[0])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.run, sys.stdout.flush)
        if not first:
            store.write((ADDED, planned(50000)), lambda: None)
        for index in range(first, 50000):
            store.write((done(index),), partial(print, index))
            await anyio.sleep(0)

anyio.run(main)
"""


def test_ten_lives_that_end_in_kill_9_while_committing_lose_nothing(path: Path) -> None:
    root, here = Path(__file__).parents[2], Path(__file__).parent
    acknowledged: list[int] = []
    journals = 0
    for life in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", LIFE, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{root}:{here}"},
        ) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(1 + 37 * life)]
            process.send_signal(signal.SIGKILL)
            told += process.stdout.read().splitlines(keepends=True)
        assert process.returncode == -signal.SIGKILL
        acknowledged += [int(line) for line in told if line.endswith("\n")]
        journals += path.with_name("jobs.sqlite-wal").stat().st_size > 0
    assert journals == 10
    with closing(connect(path)) as connection:
        under_way = take_up(connection, path).under_way
    stored = units_done(path)
    assert len(acknowledged) == len(set(acknowledged)), "no life does what another did"
    assert set(acknowledged) <= stored
    assert {*under_way[0].free} == {*range(50000)} - stored
