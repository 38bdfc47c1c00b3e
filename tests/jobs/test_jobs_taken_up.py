"""Jobs taken up again: what a cancel left, and inputs that can be read now."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from job_site import site

from ipc import work
from supervisor.jobs.floor import EngineView

pytestmark = pytest.mark.anyio


# ── after a cancel ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cancelled_job_goes_on_with_the_rest(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.stretch = 2
        id_ = (await it.submit(6)).id
        await it.plan()
        await it.fly()
        await it.until(lambda: it.row().units_done == 2)
        await it.cancel(id_)
        assert it.row(id_).state == "cancelled"
        assert (await it.retry(id_)).state == "running"
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(6)]
        lines = [line for flight in it.flown() for line in flight]
        assert sorted(lines) == sorted(set(lines)), "nothing that was done is done again"


async def test_flights_of_before_the_cancel_do_not_count(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        await it.cancel(id_)
        await it.retry(id_)
        it.word = "late"
        it.do(engine, message)
        it.land(engine, message)
        it.word = "done"
        await it.finish(id_)
        assert it.answers() == ["done line 0", "done line 1"]
        assert (it.row(id_).units_done, it.row(id_).tokens) == (2, 14)


async def test_a_death_of_before_the_cancel_is_held_against_nobody(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 1, False, True, True, "")) as it:
        id_ = (await it.submit(1)).id
        await it.plan()
        for _ in range(2):
            engine, message = await it.flight()
            it.lose(engine, message, "own")
        engine, message = await it.flight()
        await it.cancel(id_)
        await it.retry(id_)
        it.lose(engine, message, "own")
        await it.finish(id_)


async def test_a_job_that_was_cancelled_while_the_desk_read_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(3)).id
        late = await it.asked(work.Plan)
        await it.cancel(id_)
        await it.retry(id_)
        it.say(it.planned(late))
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(3)]


async def test_results_of_a_retried_job_outlive_the_tidying_after_its_cancel(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 1, False, True, True, "")) as it:
        it.in_files = True
        inputs = (it.write("a.jsonl", "a"), it.write("b.jsonl", "b"))
        id_ = (await it.submit(inputs=inputs, output=it.path("out/"))).id
        await it.plan()
        await it.fly()
        await it.plan()
        engine, first = await it.flight()
        late = await it.asked(work.Assemble)
        await it.cancel(id_)
        it.land(engine, first)
        await it.retry(id_)
        engine, second = await it.flight()
        result = it.done(second.flight, second.units[0])
        await it.write_part(late)
        await anyio.wait_all_tasks_blocked()
        it.foreman.said(engine, result)
        it.land(engine, second)
        await it.finish(id_)
        assert it.answers("out/b.jsonl") == ["done b"]


# ── inputs ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_input_that_could_not_be_read_is_read_once_it_can(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first, second = it.write("a.jsonl", "a"), it.write("b.jsonl", "b")
        id_ = (await it.submit(inputs=(first, second))).id
        (tmp_path / "b.jsonl").unlink()
        await it.finish(id_, "done with problems")
        assert it.row(id_).reason == "1 input could not be read"
        it.write("b.jsonl", "b", "c")
        await it.retry(id_)
        await it.finish(id_)
        assert it.answers() == ["done a", "done b", "done c"]
        assert (await it.foreman.detail(id_)).problems == ()


async def test_a_job_that_failed_for_want_of_its_input_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        (tmp_path / "in.jsonl").unlink()
        await it.finish(id_, "failed")
        await it.retry(id_)
        await it.finish(id_, "failed")
        it.write("in.jsonl", "line 0", "line 1")
        await it.retry(id_)
        await it.finish(id_)
        assert it.answers() == ["done line 0", "done line 1"]


async def test_the_right_input_is_read_again_where_another_that_was_empty_came_after_it(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        inputs = (it.write("a.jsonl", "a"), it.write("b.jsonl", "b"), it.write("empty.jsonl"))
        id_ = (await it.submit(inputs=inputs)).id
        (tmp_path / "b.jsonl").unlink()
        await it.finish(id_, "done with problems")
        it.write("b.jsonl", "b")
        await it.retry(id_)
        await it.finish(id_)
        assert it.answers() == ["done a", "done b"]


async def test_an_input_before_one_of_nothing_but_problems_is_read_again(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        inputs = (it.write("a.jsonl", "a"), it.write("b.jsonl", "junk"))
        id_ = (await it.submit(inputs=inputs)).id
        (tmp_path / "a.jsonl").unlink()
        await it.finish(id_, "failed")
        it.write("a.jsonl", "a")
        await it.retry(id_)
        await it.finish(id_, "done with problems")
        assert it.answers() == ["done a"]
        assert it.row(id_).reason == "1 piece of the input was set aside"
