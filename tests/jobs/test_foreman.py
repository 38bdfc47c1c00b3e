"""The foreman through the life of a job: from submission to output, with deaths, holds and restarts between."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from job_site import REFUSED, lines_of, part_files, site

from ipc import control, work
from ipc.errors import Problem, RequestFailed
from supervisor.jobs.floor import EngineView

pytestmark = pytest.mark.anyio


async def test_a_job_from_its_submission_to_its_output(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        row = await it.submit(5, on_done="echo done")
        assert (row.state, row.units_total, row.engine) == ("queued", None, "writer")
        await it.plan()
        await it.fly_all(5)
        await it.assemble()
        await it.until(lambda: it.row().state == "done")
        assert it.answers() == [f"done line {n}" for n in range(5)]
        assert (it.row().units_done, it.row().units_total, it.row().tokens) == (5, 5, 35)
        assert [message.units[0].index for _, message in it.floor.flown] == [0, 2, 4]
        assert [(hook.state, command) for hook, command in it.floor.hooks] == [("done", "echo done")]
        assert it.floor.told[-1] == it.row()
        assert part_files(tmp_path) == []


async def test_the_command_for_the_end_runs_once_whoever_is_there_to_run_it(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(1, on_done="echo done")
        it.floor.change("writer", free=False)
        await it.cancel(it.row().id)
        assert it.floor.hooks == [], "a person knows what they have cancelled"
        await it.retry(it.row().id)
        it.floor.change("writer", free=True)
        await it.finish(it.row().id)
        await it.until(lambda: len(it.floor.hooks) == 1)
    with closing(sqlite3.connect(tmp_path / "state" / "jobs.sqlite")) as store, store:
        store.execute("UPDATE jobs SET facts = json_set(facts, '$.hook_due', json('true'))")  # killed just before
    for times in (1, 0):
        async with site(tmp_path) as it:
            await it.until(lambda: len(it.floor.hooks) == times)  # noqa: B023 (it is awaited within the turn)
            await it.until(lambda: it.stored("SELECT 1 FROM jobs WHERE facts LIKE '%\"hook_due\":true%'") == [])


async def test_details_are_measured(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        await it.fly_all(2)
        await it.until(lambda: it.row().units_done == 2)
        numbers = (await it.foreman.detail(id_)).numbers
        assert (numbers.ttft_p50_seconds, numbers.ttft_p95_seconds) == (0.1, 0.1)
        assert (numbers.tokens_per_second, numbers.attempts) == (14.0, 2)


async def test_a_new_supervisor_goes_on_where_the_old_one_was_killed(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(5)
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        await it.until(lambda: it.row().units_done == 1)
    async with site(tmp_path) as it:
        assert it.row().units_done == 1
        await it.fly_all(4)
        assert sorted(order.index for _, message in it.floor.flown for order in message.units) == [1, 2, 3, 4]
        await it.assemble()
        await it.until(lambda: it.row().state == "done")
        assert it.answers() == [f"done line {n}" for n in range(5)]


async def test_deterministic_work_flies_in_the_same_company_again(tmp_path: Path) -> None:
    writer = EngineView("writer", 2, True, True, True, "")
    async with site(tmp_path, writer) as it:
        await it.submit(5)
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        it.lose(engine, message, "outside")
        engine, again = await it.flight()
        assert [order.index for order in again.units] == [0, 1]
        await it.until(lambda: it.row().units_done == 1)
    async with site(tmp_path, writer) as it:
        assert not it.floor.desk_messages
        engine, third = await it.flight()
        assert [order.index for order in third.units] == [0, 1]
        assert third.deterministic
        it.do(engine, third)
        it.land(engine, third)
        await it.until(lambda: it.row().units_done == 2)
        await it.fly_all(3)
        assert [[order.index for order in message.units] for _, message in it.floor.flown] == [[0, 1], [2, 3], [4]]


async def test_deterministic_work_says_why_it_waits_after_a_death_of_several_units(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 2, True, True, True, "")) as it:
        await it.submit(5)
        await it.plan()
        it.second()
        engine, message = await it.flight()
        it.lose(engine, message, "own")
        await it.fly()
        it.second()
        await it.until(lambda: it.row().units_done == 2)
        why = "writer just died: no new units begin for a while"
        assert (it.row().state, it.row().reason) == ("held", why)
        it.second(61)
        await it.fly_all(3)
        assert [[order.index for order in message.units] for _, message in it.floor.flown[1:]] == [[0, 1], [2, 3], [4]]


async def test_a_poison_unit_is_set_aside_by_three_deaths_alone_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(4)).id
        await it.plan()
        poisoned = 0
        while it.row().units_done + it.row().units_failed < 4:
            if len(it.floor.flown) <= it._flown:
                await anyio.sleep(0.001)
                continue
            engine, message = await it.flight()
            if any(order.index == 1 for order in message.units):
                poisoned += 1
                it.lose(engine, message, "own")
            else:
                it.do(engine, message)
                it.land(engine, message)
        assert poisoned == 4
        await it.assemble()
        await it.until(lambda: it.row().state == "done with problems")
        assert (it.row().units_done, it.row().units_failed, it.row().reason) == (3, 1, "1 unit failed")
        (problem,) = (await it.foreman.detail(id_)).problems
        assert problem.where == "in.jsonl line 2"
        assert problem.log_tail == ("the last line",)
        assert "crashed with SIGSEGV" in problem.problem.detail
        assert it.output.read_text().count("\n") == 3


async def test_three_units_set_aside_in_a_row_fail_an_engine_that_never_did_any(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 1, False, True, True, "")) as it:
        await it.submit(3)
        await it.plan()
        for _ in range(9):
            engine, message = await it.flight()
            it.lose(engine, message, "own")
        assert [engine for engine, _ in it.floor.condemned] == ["writer"]
        it.floor.change("writer", free=False, available=False, why_not="writer failed")
        assert await it.held() == "writer failed"
        await it.until(lambda: it.row().units_failed == 0 and it.row().units_total == 3)
        it.floor.change("writer", free=True, available=True, why_not="")
        it.second()
        await it.fly_all(3)
        await it.assemble()
        await it.until(lambda: it.row().state == "done")


async def test_an_engine_that_did_units_is_tried_with_one_of_them(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 1, False, True, True, "")) as it:
        await it.submit(4)
        await it.plan()
        await it.fly_all(1)
        for _ in range(9):
            engine, message = await it.flight()
            it.lose(engine, message, "own")
        engine, proof = await it.flight()
        assert [lines_of(order) for order in proof.units] == [["line 0"]]
        assert it.floor.desk_messages[1:] == [], "nothing is assembled before the trial is over"
        it.do(engine, proof)
        it.land(engine, proof)
        assert it.floor.condemned == []
        await it.assemble()
        await it.until(lambda: it.row().state == "done with problems")
        assert (it.row().units_done, it.row().units_failed) == (1, 3)


async def test_a_failed_unit_is_a_problem_and_no_more(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        it.bad = {"line 0"}
        await it.fly()
        await it.assemble()
        await it.until(lambda: it.row().state == "done with problems")
        assert [problem.problem for problem in (await it.foreman.detail(id_)).problems] == [REFUSED]
        assert it.answers() == ["done line 1"]


async def test_a_job_of_nothing_ends_with_an_empty_output(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(0)
        await it.plan()
        await it.assemble()
        await it.until(lambda: it.row().state == "done with problems")
        assert it.row().reason == "there was nothing to do"
        assert it.output.read_bytes() == b""


async def test_an_output_that_cannot_be_written_holds_the_job_until_it_can(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(2)
        await it.plan()
        await it.fly_all(2)
        order = await it.asked(work.Assemble)
        full = Problem("Output not written", "/out: No space left on device.", "Make room.")
        it.say(work.TaskFailed(order.task, full, retry=True))
        it.second(0.5)
        assert (it.row().state, it.row().reason) == ("held", "/out: No space left on device")
        it.second(2)
        await it.assemble()
        await it.until(lambda: it.row().state == "done")


async def test_somebody_elses_file_is_never_overwritten(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(1)
        await it.plan()
        await it.fly_all(1)
        it.output.write_text("precious")
        await it.assemble()
        assert await it.held() == f"{it.output} was made or changed by somebody else"
        assert it.output.read_text() == "precious"
        it.output.rename(tmp_path / "moved")
        it.second(5)
        await it.until(lambda: it.row().state == "done")
        assert it.answers() == ["done line 0"]


async def test_killed_between_rename_and_commit_the_output_is_known_as_ours(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(1)
        await it.plan()
        await it.fly_all(1)
        await it.until(lambda: it.row().units_done == 1)
        it.output.mkdir()  # holds the job just before the end
        await it.assemble()
        await it.held()
    it.output.rmdir()
    (part,) = part_files(tmp_path)
    part.rename(it.output)
    async with site(tmp_path) as it:
        await it.until(lambda: it.row().state == "done")
        assert it.floor.desk_messages == []
        assert it.answers() == ["done line 0"]


async def test_a_lost_desk_is_asked_again(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(1)
        await it.message()
        it.foreman.desk_lost("fake", "fake:desk was killed by SIGKILL from outside")
        it.second(0.5)
        assert (it.row().state, it.row().reason) == ("held", "fake:desk was killed by SIGKILL from outside")
        it.second(1)
        await it.plan()
        await it.fly_all(1)
        await it.message()
        it.foreman.desk_lost("fake", "fake:desk exited with code 1")
        it.second(2)
        await it.assemble()
        await it.until(lambda: it.row().state == "done")


async def test_a_source_that_cannot_be_read_fails_a_job_that_has_nothing_else(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(1, on_done="tell me")).id
        source = tmp_path / "in.jsonl"
        source.unlink()
        await it.plan()
        await it.until(lambda: it.row().state == "failed")
        assert it.row().reason == "no input could be read"
        gone = Problem(
            "Source unreadable", f"{source}: No such file or directory.", "Check the path and its permissions."
        )
        assert [problem.problem for problem in (await it.foreman.detail(id_)).problems] == [gone]
        assert len(it.floor.hooks) == 1


async def test_pause_starts_no_flight_and_resume_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(4)).id
        await it.plan()
        engine, message = await it.flight()
        assert (await it.foreman.steer(control.PauseJob(id_))).state == "paused"
        it.do(engine, message)
        it.land(engine, message)
        await it.until(lambda: it.row().units_done == 2)
        assert len(it.floor.flown) == 1
        assert (await it.foreman.steer(control.ResumeJob(id_))).state == "running"
        await it.fly_all(2)


async def test_cancel_recalls_its_flights_and_keeps_what_is_done(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(4)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        row = await it.cancel(id_)
        assert (row.state, row.units_done) == ("cancelled", 1)
        assert it.floor.cancelled == [(engine, message.flight)]
        it.land(engine, message)
        assert len(it.floor.flown) == 1
        with pytest.raises(RequestFailed, match="is cancelled"):
            await it.foreman.steer(control.ResumeJob(id_))
        assert part_files(tmp_path) == []
        assert not it.output.exists()


async def test_a_job_waits_for_an_engine_and_wakes_it(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 2, False, False, True, "")) as it:
        await it.submit(2)
        await it.plan()
        await it.until(lambda: it.floor.woken == ["writer"])
        for _ in range(5):
            it.foreman.engine_changed("writer")
        assert it.floor.woken == ["writer"], "asked once, not after every step it takes"
        it.second()
        assert it.floor.woken == ["writer", "writer"]
        it.floor.change("writer", free=True)
        it.foreman.engine_changed("writer")
        await it.fly_all(2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "fakes"}, "Did you mean 'fake'"),
        ({"kind": "llm"}, "No engine"),
        ({"engine": "writter"}, "Did you mean 'writer'"),
        ({"output": "relative"}, "absolute"),
        ({"output": "/nowhere/at/all"}, "No such file or directory"),
        ({"output": "/dev/null"}, "already"),
    ],
)
async def test_what_cannot_end_well_is_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    async with site(tmp_path) as it:
        with pytest.raises(RequestFailed, match=message):
            await it.submit(1, **changes)
        assert it.foreman.rows() == ()


async def test_two_jobs_never_share_an_output(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first = await it.submit(1)
        with pytest.raises(RequestFailed, match=first.id):
            await it.submit(1)
