"""The foreman when its store cannot be opened or written, and when somebody sets the clock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import anyio
import pytest
from job_site import Site, site

from ipc import control, work
from ipc.errors import Problem, RequestFailed

pytestmark = pytest.mark.anyio


def store_of(tmp_path: Path) -> Path:
    return tmp_path / "state" / "jobs.sqlite"


def words(it: Site) -> list[str]:
    return [word for _, _, word, _ in it.floor.happenings if word.startswith("store-")]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes in the store, and takes its time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


async def refused(it: Site, id_: str, *, match: str) -> None:
    """Every command about jobs, with the sentence."""
    with pytest.raises(RequestFailed, match=match):
        it.foreman.listed()
    with pytest.raises(RequestFailed, match=match):
        await it.foreman.detail(id_)
    await changes_refused(it, id_, match=match)


async def changes_refused(it: Site, id_: str, *, match: str) -> None:
    for wish in (control.PauseJob, control.ResumeJob, control.CancelJob):
        with pytest.raises(RequestFailed, match=match):
            await it.foreman.steer(wish(id_))
    with pytest.raises(RequestFailed, match=match):
        await it.submit(1, output=str(it.folder / "other.jsonl"))


async def answer_an_ask(it: Site) -> None:
    items: list[control.Piece | control.Answered] = []

    async def ask() -> None:
        items.extend([item async for item in it.foreman.answering.ask("writer", '{"prompt": "hello"}')])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        engine, flight = await it.flight()
        it.do(engine, flight)
        it.land(engine, flight)
    assert isinstance(items[-1], control.Answered)


async def half_a_job(tmp_path: Path) -> str:
    """A job of three units, one of them done, and its supervisor gone."""
    async with site(tmp_path) as it:
        id_ = (await it.submit(3)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        await it.until(lambda: it.row().units_done == 1)
    return id_


async def finish(it: Site, left: int) -> None:
    await it.fly_all(left)
    await it.assemble()
    await it.until(lambda: it.row().state == "done")
    assert it.answers() == [f"done line {n}" for n in range(3)]


async def test_a_damaged_store_at_the_start_leaves_everything_else_at_work_until_it_is_mended(tmp_path: Path) -> None:
    id_ = await half_a_job(tmp_path)
    path = store_of(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    async with site(tmp_path) as it:
        assert it.foreman.rows() == ()
        ((severity, _, word, text),) = it.floor.happenings
        assert (severity, word) == ("error", "store-stuck")
        assert f"{path} is damaged" in text
        assert "Put a backup in its place, or move the file away" in text
        await refused(it, id_, match=f"{path} is damaged")
        await answer_an_ask(it)
        mended = path.with_name("mended")
        mended.write_bytes(whole)
        mended.rename(path)
        await it.until(lambda: words(it) == ["store-stuck", "store-well"])
        assert {row.id for row in it.floor.told} == {id_}
        assert it.row().units_done == 1
        await finish(it, 2)


async def test_a_damaged_store_that_is_moved_away_makes_room_for_a_new_one(tmp_path: Path) -> None:
    id_ = await half_a_job(tmp_path)
    path = store_of(tmp_path)
    path.write_bytes(b"not the pages of a database\n" * 1000)
    async with site(tmp_path) as it:
        await refused(it, id_, match="file is not a database")
        path.rename(path.with_name("bad"))
        await it.until(lambda: words(it) == ["store-stuck", "store-well"])
        assert it.foreman.listed() == ()
        await it.submit(3)
        await it.plan()
        await finish(it, 3)


async def test_a_store_that_is_locked_at_the_start_is_taken_up_when_it_is_free(tmp_path: Path) -> None:
    id_ = await half_a_job(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(locked(store_of(tmp_path)))
        began = time.monotonic()
        async with site(tmp_path) as it:
            assert time.monotonic() - began < 2
            await refused(it, id_, match="locked by another program")
            stack.close()
            await finish(it, 2)
            assert words(it) == ["store-stuck", "store-well"]


async def test_what_is_asked_for_as_the_first_in_trouble_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(3)).id
        await it.plan()
        with locked(store_of(tmp_path)):
            with anyio.fail_after(2), pytest.raises(RequestFailed, match=r"not stored yet: .* is locked.*It will be\."):
                await it.foreman.steer(control.PauseJob(id_))
            assert (it.row().state, words(it)) == ("held", ["store-stuck"])
            assert "locked by another program" in it.row().reason
            await changes_refused(it, id_, match="locked by another program")
            assert [row.id for row in it.foreman.listed()] == [id_]
        await it.until(lambda: it.row().state == "paused")
        assert words(it) == ["store-stuck", "store-well"]
        await it.foreman.steer(control.ResumeJob(id_))
        await finish(it, 3)


async def test_a_job_that_cannot_be_stored_is_not_begun_behind_the_back_of_who_was_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        with locked(store_of(tmp_path)):
            with anyio.fail_after(2), pytest.raises(RequestFailed, match="locked by another program"):
                await it.submit(3)
            assert it.foreman.rows() == ()
        await it.until(lambda: [row.state for row in it.foreman.rows()] == ["cancelled"])
        await it.submit(3)


@pytest.mark.parametrize("seconds", [-3600.0, 10 * 365.25 * 86400])
async def test_a_clock_that_is_set_changes_no_rate_hold_or_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    clock = {"unix": 1_700_000_000.0}
    monkeypatch.setattr(time, "time", lambda: clock["unix"])
    async with site(tmp_path) as it:
        first = (await it.submit(6)).id
        await it.plan()
        it.second()
        await it.fly_all(2)
        await it.until(lambda: it.row().units_done == 2)
        clock["unix"] += seconds
        it.second(4)
        row = it.row()
        assert (row.units_per_second, row.tokens_per_second, row.eta_seconds) == (0.5, 3.5, 8.0)

        second = (await it.submit(6, output=str(tmp_path / "second.jsonl"))).id
        plan = await it.message()
        assert isinstance(plan, work.Plan)
        it.foreman.desk_said("fake", work.TaskFailed(plan.task, Problem("Busy", "in.jsonl: busy.", ""), retry=True))
        it.second(0.5)
        assert [(row.id, row.state) for row in it.foreman.rows()] == [(first, "running"), (second, "held")]
        it.second(1)
        again = await it.message()
        assert isinstance(again, work.Plan)
        it.foreman.desk_said(
            "fake", work.Planned(again.task, (work.PlannedUnit('{"prompt": "x"}', "x", None),), (), "", end=True)
        )

        flown = []
        for _ in range(3):
            engine, message = await it.flight()
            flown += [order.job for order in message.units]
            it.do(engine, message)
            it.land(engine, message)
        assert flown == [first] * 4 + [second]
        for _ in range(2):
            await it.assemble()
        await it.until(lambda: all(row.state == "done" for row in it.foreman.rows()))
        assert [row.id for row in it.foreman.rows()] == [first, second]
        ends = [row.finished_unix for row in it.foreman.rows()]
        assert ends == [1_700_000_000.0 + seconds] * 2
