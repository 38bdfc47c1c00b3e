"""Finished jobs are forgotten, named or all, or by age and size; never where their results are the last copy."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import pytest
from job_site import Site, site

from config.house import JobSettings
from engines.beside import Vouched
from ipc import control
from ipc.errors import Problem, RequestFailed
from supervisor.jobs.clearing import Finished, overdue
from supervisor.jobs.output import part_of

pytestmark = pytest.mark.anyio

DAY = 86400.0
KEPT_BYTES = 300
"""Room for the results of two of the jobs below, and not for three."""


async def finished(it: Site, name: str, state: str = "done") -> str:
    """A job of two lines that writes the file of this name, at its end."""
    source = it.write(f"{name}-in.jsonl", f"{name}0", f"{name}1")
    id_ = (await it.submit(inputs=(source,), output=it.path(name))).id
    await it.finish(id_, state)
    return id_


def kept_of(it: Site) -> dict[str, list[str]]:
    """What is left of jobs: rows of the store, and files."""
    tables = ("jobs", "units", "runs", "problems", "outputs", "flights")
    folder = it.folder / "state" / "units"
    return {
        "rows": [table for table in tables if it.stored(f"SELECT * FROM {table}")],
        "files": [path.name for path in folder.iterdir()],
    }


def hidden_in(folder: Path) -> set[str]:
    """Names of the hidden files."""
    return {path.name for path in folder.glob(".*")}


# ── by name ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_is_left_of_a_job_that_was_cleared_but_its_output(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        it.bad = {"a1"}
        id_ = await finished(it, "a", "done with problems")
        size = it.row(id_).result_bytes
        cleared = await it.clear(id_)
        assert cleared == control.Cleared((id_,), size, ())
        assert it.foreman.rows() == ()
        assert it.floor.gone == [id_]
        assert kept_of(it) == {"rows": [], "files": []}
        assert it.answers("a") == ["done a0"]
    async with site(tmp_path) as it:
        assert it.foreman.rows() == ()


async def test_of_files_beside_the_output_nothing_hidden_is_left(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(output=it.path("a.jsonl"))).id
        subtitles = Vouched(part_of(it.path("a.jsonl"), id_), tmp_path / "a.jsonl.srt")
        subtitles.place(["1"])
        for crashed in (f".a.jsonl.vtt.{id_}.part", f".a.jsonl.srt.{id_}.mark.part"):
            (tmp_path / crashed).touch()
        others = {f".a.jsonl.srt.{id_}0.mark", f".b.jsonl.srt.{id_}.mark", f".a.jsonl.srt.{id_}0.part"}
        for other in others:
            (tmp_path / other).touch()
        voucher = f".a.jsonl.srt.{id_}.mark"
        await it.finish(id_)
        await it.until(lambda: hidden_in(tmp_path) == {*others, voucher})
        assert (await it.clear(id_)).ids == (id_,)
        assert hidden_in(tmp_path) == others
        assert subtitles.path.read_text() == "1"


@pytest.mark.parametrize("what", ["gone", "changed", "replaced"])
async def test_the_last_copy_of_results_is_kept_unless_one_insists(tmp_path: Path, what: str) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it, "a")
        output = tmp_path / "a"
        match what:
            case "gone":
                output.unlink()
            case "changed":
                with output.open("a") as file:
                    file.write("more\n")
            case _:
                (tmp_path / "copy").write_bytes(output.read_bytes())
                (tmp_path / "copy").replace(output)
        cleared = await it.clear(id_)
        assert (cleared.ids, [(kept, problem.title) for kept, problem in cleared.kept]) == ((), [(id_, "Last copy")])
        assert it.row(id_).state == "done"
        assert (await it.clear(id_, force=True)).ids == (id_,)


async def test_an_output_of_many_that_is_gone_keeps_the_job(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        inputs = (it.write("a.jsonl", "a"), it.write("b.jsonl", "b"))
        id_ = (await it.submit(inputs=inputs, output=it.path("out/"))).id
        await it.finish(id_)
        (tmp_path / "out" / "b.jsonl").rename(tmp_path / "b")
        assert (await it.clear(id_)).ids == ()
        (tmp_path / "b").rename(tmp_path / "out" / "b.jsonl")
        assert (await it.clear(id_)).ids == (id_,)


async def test_what_a_cancelled_job_did_is_the_last_copy(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(4)).id
        await it.plan()
        await it.fly()
        await it.until(lambda: it.row().units_done == 2)
        await it.cancel(id_)
        ((_, problem),) = (await it.clear(id_)).kept
        assert problem.title == "Last copy"
        assert f"`engineroom job retry {id_}`" in problem.hint
        assert (await it.clear(id_, force=True)).ids == (id_,)


async def test_a_job_that_did_nothing_is_no_copy_of_anything(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(4)).id
        await it.cancel(id_)
        assert (await it.clear(id_)).ids == (id_,)


async def test_a_job_at_work_is_kept_even_if_one_insists(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(1)).id
        ((kept, problem),) = (await it.clear(id_, force=True)).kept
        assert (kept, problem.detail) == (id_, f"{id_} is still at work.")
        await it.finish(id_)


async def test_a_job_that_others_wait_for_is_kept(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first = (await it.submit(1)).id
        second = (await it.submit(inputs=(str(it.output),), output=it.path("second"))).id
        await it.cancel(first)
        ((_, problem),) = (await it.clear(first)).kept
        assert problem.detail == f"{second} waits for {first}."
        await it.cancel(second)
        assert (await it.clear(first)).ids == (first,)


async def test_a_job_that_others_waited_for_until_they_began_is_not_kept_for_them(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"a1"}
        first = await finished(it, "a", "done with problems")
        await it.retry(first)
        second = (await it.submit(inputs=(it.path("a"),), after=(first,), output=it.path("second"))).id
        await it.finish(first, "done with problems")
        await it.live(lambda: len(it.flown()) == 3)
        await it.retry(first)
        await it.cancel(first)
        ((_, problem),) = (await it.clear(first)).kept
        assert problem.title == "Last copy"
        await it.finish(second)


async def test_a_job_that_is_not_there_cannot_be_cleared(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it, "a")
        with pytest.raises(RequestFailed, match=f"There is no job '{id_}0'.*Did you mean"):
            await it.clear(id_, f"{id_}0")
        assert it.row(id_).state == "done", "nothing is cleared where a name is wrong"


async def test_without_names_every_job_goes_whose_output_is_in_its_place(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        done = [await finished(it, name) for name in ("a", "b", "c")]
        (tmp_path / "b").unlink()
        running = (await it.submit(1)).id
        cleared = await it.clear()
        assert cleared.ids == (done[0], done[2])
        assert cleared.kept == (), "only those that were named are excused"
        assert [row.id for row in it.foreman.rows()] == [done[1], running]
        assert (await it.clear(force=True)).ids == (), "one insists by name alone"


async def test_an_input_that_came_through_a_pipe_goes_with_its_job(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        path = await it.foreman.submitting.keep(control.Spool("", "in.jsonl", b'{"prompt": "one"}\n'))
        own = it.write("own.jsonl", "two")
        id_ = (await it.submit(inputs=(path, own))).id
        await it.finish(id_)
        await it.clear(id_)
        assert [*(tmp_path / "state" / "spool").iterdir()] == []
        assert (tmp_path / "own.jsonl").exists()


async def test_an_input_through_a_pipe_stays_while_another_job_reads_it(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        path = await it.foreman.submitting.keep(control.Spool("", "in.jsonl", b'{"prompt": "one"}\n'))
        first = (await it.submit(inputs=(path,))).id
        await it.finish(first)
        it.floor.change("writer", free=False)
        second = (await it.submit(inputs=(path,), output=it.path("second"))).id
        assert (await it.clear(first)).ids == (first,)
        it.floor.change("writer", free=True)
        await it.finish(second)
        assert (await it.clear(second)).ids == (second,)
        assert [*(tmp_path / "state" / "spool").iterdir()] == []


async def test_the_number_of_a_cleared_job_is_never_given_again(tmp_path: Path) -> None:
    ids = []
    for _ in range(3):
        async with site(tmp_path) as it:
            ids.append(await finished(it, "a"))
            await it.clear(ids[-1])
            (tmp_path / "a").unlink()
    assert [id_.rpartition("-")[2] for id_ in ids] == ["1", "2", "3"]


async def test_a_job_that_was_redone_is_cleared_with_its_new_output(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it, "a")
        await it.redo(id_, "a0")
        await it.finish(id_)
        assert (await it.clear(id_)).ids == (id_,)


async def test_a_job_that_is_retried_while_it_is_cleared_is_gone(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"a1"}
        id_ = await finished(it, "a", "done with problems")
        refused: list[RequestFailed] = []

        async def retry() -> None:
            try:
                await it.retry(id_)
            except RequestFailed as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(retry)
            tasks.start_soon(partial(it.clear, id_, force=True))
        assert [error.problem.detail for error in refused] == [f"{id_} was cleared."]
        assert it.foreman.rows() == ()
        assert kept_of(it) == {"rows": [], "files": []}


async def test_a_job_that_is_cleared_while_it_is_retried_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"a1"}
        id_ = await finished(it, "a", "done with problems")
        it.bad = set()
        answers: list[control.Cleared] = []

        async def clear() -> None:
            answers.append(await it.clear(id_))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(clear)
            tasks.start_soon(it.retry, id_)
        ((kept, problem),) = answers[0].kept
        assert (kept, problem.detail) == (id_, f"{id_} was retried or cleared at the same moment.")
        await it.finish(id_)


async def test_two_who_clear_the_same_job_clear_it_once(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it, "a")
        answers: list[control.Cleared] = []

        async def clear() -> None:
            answers.append(await it.clear(id_, force=True))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(clear)
        assert sorted(answer.ids for answer in answers) == [(), (), (id_,)]
        assert it.floor.gone == [id_]


async def test_nothing_is_cleared_while_nothing_can_be_stored(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it, "a")
        it.foreman._troubled(Problem("Disk full", "it is full.", ""))
        with pytest.raises(RequestFailed, match="it is full"):
            await it.clear(id_)


# ── by age and size ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((0.0, 0), []),
        ((9 * DAY, 0), []),
        ((4 * DAY, 0), [1]),
        ((2 * DAY, 0), [1, 3]),
        ((0.5 * DAY, 0), [1, 3, 2]),
        ((0.0, 60), []),
        ((0.0, 59), [1]),
        ((0.0, 50), [1]),
        ((0.0, 49), [1, 3]),
        ((0.0, 1), [1, 3, 2]),
        ((4 * DAY, 49), [1, 3]),
        ((2 * DAY, 45), [1, 3]),
    ],
)
def test_the_oldest_are_overdue_first(limits: tuple[float, int], expected: list[int]) -> None:
    jobs = [Finished(1, -5 * DAY, 10), Finished(2, -1 * DAY, 20), Finished(3, -3 * DAY, 30)]
    assert overdue(jobs, JobSettings(keep_for=limits[0], keep_bytes=limits[1]), 0.0) == expected


async def test_what_is_over_the_limits_is_cleared_with_its_reason(tmp_path: Path) -> None:
    async with site(tmp_path, limits=JobSettings(keep_bytes=KEPT_BYTES)) as it:
        ids = [await finished(it, name) for name in ("a", "b", "c", "d")]
        one = it.row(ids[0]).result_bytes
        assert 2 * one <= KEPT_BYTES < 3 * one
        (tmp_path / "b").unlink()
        await it.foreman.clearing.housekeep()
        assert [row.id for row in it.foreman.rows()] == [ids[1], ids[3]], "the last copy stays, the next oldest goes"
        told = [(about, text) for _, about, word, text in it.floor.happenings if word == "job-cleared"]
        why = "it is over the limits for finished jobs, and its output is in place"
        assert told == [(id_, f"{id_} was cleared: {why}.") for id_ in (ids[0], ids[2])]


async def test_a_new_supervisor_forgets_what_has_become_too_old(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        old = await finished(it, "a")
        new = await finished(it, "b")
    _make_older(tmp_path, 1, 40 * DAY)
    async with site(tmp_path) as it:
        await it.until(lambda: [row.id for row in it.foreman.rows()] == [new])
        assert it.floor.gone == [old]


def _make_older(folder: Path, job: int, seconds: float) -> None:
    with closing(sqlite3.connect(folder / "state" / "jobs.sqlite")) as store, store:
        store.execute(
            "UPDATE jobs SET facts = json_set(facts, '$.finished_unix', json_extract(facts, '$.finished_unix') - ?)"
            " WHERE number = ?",
            (seconds, job),
        )


async def test_spooled_files_that_nobody_names_go_with_the_housekeeping(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        left = await it.foreman.submitting.keep(control.Spool("", "in.jsonl", b"x"))
        os.utime(left, (0, 0))
        await it.foreman.clearing.housekeep()
        assert [*(tmp_path / "state" / "spool").iterdir()] == []


def test_the_last_copy_counts_but_cannot_leave_so_the_next_oldest_do() -> None:
    jobs = [Finished(number, float(number), 10) for number in range(4)]
    limits = JobSettings(keep_for=0.0, keep_bytes=20)
    assert overdue(jobs, limits, 100.0) == [0, 1]
    assert overdue(jobs, limits, 100.0, kept={0}) == [1, 2]
    assert overdue(jobs, limits, 100.0, kept={0, 1, 2, 3}) == []
