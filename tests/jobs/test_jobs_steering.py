"""Jobs changed while they run: another engine, another place in the line, and whom that concerns."""

from __future__ import annotations

from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint
from job_site import Site, site

from ipc import control
from ipc.errors import RequestFailed
from supervisor.jobs.floor import EngineView

pytestmark = pytest.mark.anyio

WRITER = EngineView("writer", 1, False, True, True, "")
OTHER = EngineView("other", 1, False, True, True, "")
AWAY = EngineView("other", 1, False, False, False, "other is stopped by the operator: engineroom start other")


async def job(it: Site, name: str, lines: int = 3, **changes: object) -> str:
    """A job of lines that bear its name, planned."""
    changes = {"inputs": (it.write(f"{name}.jsonl", *(f"{name}{n}" for n in range(lines))),), **changes}
    id_ = (await it.submit(0, output=it.path(f"{name}-out.jsonl"), **changes)).id
    await it.plan()
    return id_


# ── another engine ────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_not_done_yet_moves_to_another_engine(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER, AWAY) as it:
        id_ = await job(it, "a")
        engine, message = await it.flight()
        await it.until(lambda: it.composed() == [[0], [1]])
        it.floor.change("other", free=True, available=True, why_not="")
        row = await it.foreman.steer(control.MoveJob(id_, "other"))
        assert row.engine == "other"
        it.do(engine, message)
        it.land(engine, message)
        await it.finish(id_)
        assert [name for name, _ in it.floor.flown] == ["writer", "other", "other"]
        assert it.answers("a-out.jsonl") == ["done a0", "done a1", "done a2"]


async def test_a_job_moves_to_any_engine(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER, AWAY) as it:
        id_ = (await it.submit(1, engine="other")).id
        assert it.row(id_).reason == AWAY.why_not
        row = await it.foreman.steer(control.MoveJob(id_, ""))
        assert row.engine == "writer, other"
        await it.finish(id_)


@pytest.mark.parametrize(
    ("engine", "sentence"), [("nobody", "There is no engine 'nobody'"), ("talker", "talker does not do fake work")]
)
async def test_a_job_moves_only_to_who_does_its_work(tmp_path: Path, engine: str, sentence: str) -> None:
    async with site(tmp_path, WRITER, EngineView("talker", 1, False, True, True, "")) as it:
        it.floor.kinds["talker"] = "llm"
        id_ = (await it.submit(1)).id
        with pytest.raises(RequestFailed, match=sentence):
            await it.foreman.steer(control.MoveJob(id_, engine))
        assert it.row(id_).engine == "writer"


async def test_a_company_parts_where_the_new_engine_cannot_take_it(tmp_path: Path) -> None:
    strict = EngineView("strict", 2, True, True, True, "")
    async with site(tmp_path, strict, EngineView("plain", 1, False, True, True, "")) as it:
        id_ = (await it.submit(2, engine="strict")).id
        await it.plan()
        engine, message = await it.flight()
        it.floor.change("strict", free=False)
        it.foreman.flight_lost(engine, message.flight, "outside", False, "strict was killed", ())
        await it.foreman.steer(control.MoveJob(id_, "plain"))
        await it.finish(id_)
        assert it.flown() == [["line 0", "line 1"], ["line 0"], ["line 1"]]


# ── another place ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_higher_priority_goes_first_also_where_a_flight_was_composed_ahead(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        first, second = await job(it, "a"), await job(it, "b")
        engine, message = await it.flight()
        await it.until(lambda: it.composed() == [[0], [1]])
        row = await it.foreman.steer(control.PrioritizeJob(second, 9))
        assert row.priority == 9
        it.do(engine, message)
        it.land(engine, message)
        await it.finish(first)
        await it.finish(second)
        assert it.flown() == [["a0"], ["b0"], ["b1"], ["b2"], ["a1"], ["a2"]]


async def test_a_lower_priority_goes_last(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        first, second = await job(it, "a"), await job(it, "b", priority=5)
        engine, message = await it.flight()
        await it.foreman.steer(control.PrioritizeJob(first, 1))
        it.do(engine, message)
        it.land(engine, message)
        await it.finish(first)
        assert it.flown() == [["a0"], ["b0"], ["b1"], ["b2"], ["a1"], ["a2"]]
        assert it.row(second).state == "done"


async def test_an_urgent_job_that_is_submitted_last_goes_first(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        await job(it, "a")
        engine, message = await it.flight()
        urgent = await job(it, "b", priority=9)
        it.do(engine, message)
        it.land(engine, message)
        await it.finish(urgent)
        assert it.flown()[:4] == [["a0"], ["b0"], ["b1"], ["b2"]]


async def test_a_company_that_must_fly_together_waits_for_what_is_more_urgent(tmp_path: Path) -> None:
    async with site(tmp_path, EngineView("writer", 2, True, True, True, "")) as it:
        first, second = await job(it, "a", 4), await job(it, "b", 2)
        engine, message = await it.flight()
        await it.foreman.steer(control.PrioritizeJob(second, 9))
        it.do(engine, message)
        it.land(engine, message)
        await it.finish(first)
        assert it.flown() == [["a0", "a1"], ["b0", "b1"], ["a2", "a3"]]


async def test_priorities_survive_the_supervisor(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        it.floor.change("writer", free=False)
        first, second = await job(it, "a"), await job(it, "b")
        await it.foreman.steer(control.PrioritizeJob(second, 9))
        await it.foreman.steer(control.MoveJob(first, "writer"))
    async with site(tmp_path, WRITER) as it:
        assert [row.priority for row in it.foreman.rows()] == [5, 9]
        await it.finish(first)
        assert it.flown()[:3] == [["b0"], ["b1"], ["b2"]]


@pytest.mark.parametrize("priority", [0, 10, -5])
async def test_a_priority_lies_between_1_and_9(tmp_path: Path, priority: int) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(1)).id
        with pytest.raises(RequestFailed, match=f"{priority} is no priority"):
            await it.foreman.steer(control.PrioritizeJob(id_, priority))


# ── whom it concerns ──────────────────────────────────────────────────────────────────────────────────────


async def test_only_a_job_that_is_there_and_at_work_can_be_changed(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(1)).id
        await it.finish(id_)
        for wish in (
            control.PauseJob(id_),
            control.ResumeJob(id_),
            control.CancelJob(id_),
            control.PrioritizeJob(id_, 9),
            control.MoveJob(id_, "writer"),
            control.ReleaseJob(id_),
        ):
            with pytest.raises(RequestFailed, match=f"{id_} is done. `engineroom job retry` takes it up again."):
                await it.foreman.steer(wish)
        for unknown in (control.PauseJob(f"{id_}1"), control.RetryJob(f"{id_}1"), control.RedoUnits(f"{id_}1", ("a",))):
            with pytest.raises(RequestFailed, match=f"There is no job '{id_}1'.*Did you mean '{id_}'"):
                await it.foreman.steer(unknown)


async def test_a_change_tries_what_is_held_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(1)).id
        await it.message()
        it.foreman.desk_lost("fake", "fake:desk exited with code 1")
        it.second(0)
        assert it.row(id_).reason == "fake:desk exited with code 1"
        await it.foreman.steer(control.ResumeJob(id_))
        await it.finish(id_)


async def test_a_job_whose_last_output_is_put_in_its_place_is_not_cancelled_any_more(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        id_ = (await it.submit(1)).id
        await it.plan()
        await it.fly()
        await it.assemble()
        while it.foreman._jobs[1].errand != "placing":
            await checkpoint()  # no turn of the loop may be missed
        with pytest.raises(RequestFailed, match=f"The output of {id_} is being put in its place"):
            await it.cancel(id_)
        await it.finish(id_)
