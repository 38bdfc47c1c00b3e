"""Units that are done again: what failed and what did not please, and the output that is written anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint
from job_site import Site, site

from ipc import work
from ipc.errors import Problem, RequestFailed
from supervisor.jobs.floor import EngineView

pytestmark = pytest.mark.anyio


async def with_a_failure(it: Site) -> str:
    """A job of four lines, the second of which failed, to its end."""
    it.bad = {"line 1"}
    id_ = (await it.submit(4)).id
    await it.finish(id_, "done with problems")
    it.bad = set()
    return id_


async def finished(it: Site, lines: int = 3) -> str:
    id_ = (await it.submit(lines)).id
    await it.finish(id_)
    return id_


# ── retry ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_failed_is_retried_after_the_end_and_the_output_written_again(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await with_a_failure(it)
        assert it.answers() == ["done line 0", "done line 2", "done line 3"]
        row = await it.retry(id_)
        assert (row.state, row.units_failed, row.units_done, row.finished_unix) == ("running", 0, 3, None)
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(4)]
        assert (await it.foreman.detail(id_)).problems == ()
        assert it.flown()[-1] == ["line 1"], "nothing else is done again"


async def test_what_failed_is_retried_while_the_rest_is_at_work(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"line 0"}
        id_ = (await it.submit(6)).id
        await it.plan()
        await it.fly()
        await it.until(lambda: it.row().units_failed == 1)
        it.bad = set()
        assert (await it.retry(id_)).units_failed == 0
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(6)]


async def test_what_was_quarantined_is_retried_with_nothing_held_against_it(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 1, False, True, True, "")) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        await it.fly()
        for _ in range(3):
            engine, message = await it.flight()
            it.lose(engine, message, "own")
        await it.finish(id_, "done with problems")
        assert [problem.state for problem in (await it.foreman.detail(id_)).problems] == ["quarantined"]
        await it.retry(id_)
        for _ in range(2):
            engine, message = await it.flight()
            it.lose(engine, message, "own")
        await it.finish(id_)
        assert it.answers() == ["done line 0", "done line 1"]


async def test_units_are_named_or_numbered(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"line 0", "line 1", "line 2"}
        id_ = (await it.submit(4)).id
        await it.finish(id_, "done with problems")
        it.bad = set()
        await it.retry(id_, "line 2", "#0")
        await it.finish(id_, "done with problems")
        assert it.answers() == ["done line 0", "done line 2", "done line 3"]
        assert it.row(id_).reason == "1 unit failed"


async def test_a_name_that_is_a_number_is_not_taken_for_one(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(inputs=(it.write("in.jsonl", "2", "1", "0"),))).id
        await it.finish(id_)
        it.word = "new"
        await it.redo(id_, "0")
        await it.finish(id_)
        assert it.answers() == ["done 2", "done 1", "new 0"]
        await it.redo(id_, "#0")
        await it.finish(id_)
        assert it.answers() == ["new 2", "done 1", "new 0"]


@pytest.mark.parametrize(
    ("units", "sentence"),
    [
        ((), "Nothing of .* failed"),
        (("line 0",), "has no failed unit named line 0"),
        (("#7", "nobody"), "has no failed unit named #7, nobody"),
    ],
)
async def test_where_nothing_failed_there_is_nothing_to_retry(
    tmp_path: Path, units: tuple[str, ...], sentence: str
) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        with pytest.raises(RequestFailed, match=sentence):
            await it.retry(id_, *units)
        assert it.row(id_).state == "done"


async def test_a_unit_that_fails_again_is_one_problem(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await with_a_failure(it)
        it.bad = {"line 1"}
        await it.retry(id_)
        await it.finish(id_, "done with problems")
        assert len((await it.foreman.detail(id_)).problems) == 1
        assert it.row(id_).reason == "1 unit failed"
        assert len(it.answers()) == 3


async def test_a_retry_survives_its_supervisor(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await with_a_failure(it)
        await it.retry(id_)
    async with site(tmp_path) as it:
        assert it.row(id_).units_failed == 0
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(4)]


# ── redo ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_finished_unit_is_done_again_and_the_output_says_so(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        it.word = "new"
        row = await it.redo(id_, "line 1")
        assert (row.state, row.units_done, row.tokens) == ("running", 2, 14)
        assert it.answers() == [f"done line {n}" for n in range(3)], "the old output stays until there is a new one"
        await it.finish(id_)
        assert it.answers() == ["done line 0", "new line 1", "done line 2"]
        assert (it.row(id_).units_done, it.row(id_).tokens) == (3, 21)
        assert it.flown()[-1] == ["line 1"]


async def test_the_old_result_counts_where_the_redo_fails(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        it.bad = {"line 1"}
        await it.redo(id_, "#1")
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(3)]
        assert (it.row(id_).units_done, it.row(id_).units_failed, it.row(id_).tokens) == (3, 0, 21)
        (problem,) = (await it.foreman.detail(id_)).problems
        assert (problem.index, problem.state) == (1, "done"), "the problem says that the unit has a result"
        it.bad = set()
        await it.redo(id_, "#1")
        await it.finish(id_)
        assert (await it.foreman.detail(id_)).problems == ()


async def test_the_old_result_counts_where_the_redo_kills_its_engine(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        await it.redo(id_, "#1")
        for _ in range(3):
            engine, message = await it.flight()
            it.lose(engine, message, "own")
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(3)]
        assert it.floor.condemned == []


async def test_a_redo_survives_its_supervisor(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        await it.redo(id_, "line 1")
    async with site(tmp_path) as it:
        it.bad = {"line 1"}
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(3)]
        assert it.row(id_).units_done == 3


async def test_a_unit_is_done_again_while_its_flight_is_still_in_the_air(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        await it.until(lambda: it.row().units_done == 1)
        it.word = "new"
        await it.redo(id_, "line 0")
        it.do(engine, message)  # the first is said again, and taken no second time
        it.land(engine, message)
        await it.finish(id_)
        assert it.answers() == ["new line 0", "new line 1"]
        assert it.flown() == [["line 0", "line 1"], ["line 0"]]


@pytest.mark.parametrize("units", [(), ("line 7",), ("#-1",), ("#1.5",)])
async def test_only_a_finished_unit_is_done_again(tmp_path: Path, units: tuple[str, ...]) -> None:
    async with site(tmp_path) as it:
        id_ = await finished(it)
        with pytest.raises(RequestFailed, match="has no finished unit named"):
            await it.redo(id_, *units)
        assert it.row(id_).state == "done"


# ── the output ────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_output_that_somebody_changed_is_never_written_over(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await with_a_failure(it)
        it.output.write_text("my notes\n")
        await it.retry(id_)
        assert await it.held(id_) == f"{it.output} was made or changed by somebody else"
        assert it.output.read_text() == "my notes\n"
        it.output.unlink()
        it.second(10)
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(4)]


async def test_an_output_that_was_moved_away_is_written_anew(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await with_a_failure(it)
        it.output.rename(tmp_path / "first.jsonl")
        await it.retry(id_)
        await it.finish(id_)
        assert (len(it.answers("first.jsonl")), len(it.answers())) == (3, 4)


async def test_the_output_is_known_as_ours_after_a_restart_too(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await with_a_failure(it)
    async with site(tmp_path) as it:
        await it.retry(id_)
        await it.finish(id_)
        assert len(it.answers()) == 4


async def test_a_unit_recalled_while_its_output_is_being_written_is_waited_for(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.live(lambda: it.row().state == "assembling")
        it.word = "new"
        await it.redo(id_, "line 0")
        await it.finish(id_)
        assert it.answers() == ["new line 0", "done line 1"]


async def test_a_unit_recalled_while_its_output_is_put_in_its_place_is_waited_for(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        await it.fly()
        await it.assemble()
        while it.foreman._jobs[1].errand != "placing":
            await checkpoint()  # no turn of the loop may be missed
        it.word = "new"
        await it.redo(id_, "line 0")
        await it.finish(id_)
        await it.until(lambda: it.row(id_).units_done == 2)
        assert it.answers() == ["new line 0", "done line 1"]


async def test_a_damaged_result_that_is_made_again_meanwhile_fails_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        id_ = (await it.submit(2)).id
        await it.plan()
        await it.fly()
        order = await it.asked(work.Assemble)
        await it.pull(order)
        await it.redo(id_, "#1")
        damaged = Problem("Result damaged", "The file of unit 1 is not what was written.", "Do it again.")
        it.say(work.TaskFailed(order.task, damaged, retry=False))
        await it.finish(id_)
        assert it.answers() == ["done line 0", "done line 1"]
