"""A changed size divides anew what has not begun, and nothing else: no line is lost, none is done twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from job_site import Site, site
from job_world import World

from ipc import control
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Flight, Found, Job, Measured, Rewind, Spec, Unit
from supervisor.jobs.replanning import unread_tail, untouched_tail

SPEC = Spec(1, "box-1", "fake", ("/a", "/b"), "/out", ("/out",), "", {}, 0.0)
ONE = EngineView("writer", 1, False, True, True, "")
OLD, NEW = {"batch_size": 1}, {"batch_size": 2}


# ── which of them ─────────────────────────────────────────────────────────────────────────────────────────


def unit(index: int, **changes: object) -> Unit:
    """Units 0 to 3 come from the first input, the others from the second; each begins at its own number."""
    made = Unit(index, "x", f"line {index}", None, source=index // 4, start=str(index))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def job(*waiting: Unit, planned: int = 8, found: tuple[Found, ...] = ()) -> Job:
    return Job(
        SPEC,
        Facts(planned=planned, planned_with=dict(OLD), source=1, cursor="99"),
        {one.index: one for one in waiting},
        found=[*found],
    )


@pytest.mark.parametrize(
    ("waiting", "first"),
    [
        ([unit(n) for n in range(8)], 0),
        ([unit(n) for n in (0, 1, 5, 6, 7)], 5),
        ([unit(n) for n in (2, 3, 4, 5, 6, 7)], 2),
        ([unit(7)], 7),
        ([unit(n) for n in range(7)], None),
        ([], None),
        ([unit(6, begun=True), unit(7)], 7),
        ([unit(6, alone=True), unit(7)], 7),
        ([unit(6, former=Measured(1, 1.0)), unit(7)], 7),
        ([unit(6), unit(7, begun=True)], None),
    ],
)
def test_the_last_that_never_began_are_divided_anew(waiting: list[Unit], first: int | None) -> None:
    tail = untouched_tail(job(*waiting), NEW)
    assert (None if tail is None else (tail.first, tail.source, tail.cursor)) == (
        None if first is None else (first, first // 4, str(first))
    )
    assert untouched_tail(job(*waiting), OLD) is None, "nothing has changed"


def test_what_was_composed_ahead_has_not_begun_unless_its_company_must_stay() -> None:
    ahead = job(unit(4), unit(5))
    for deterministic, stage, expected in ((False, "stored", 4), (False, "sent", None), (True, "stored", None)):
        flight = Flight(9, 1, "writer", (unit(6), unit(7)), deterministic, stage=stage)  # type: ignore[arg-type]
        ahead.flights = {9: flight}
        tail = untouched_tail(ahead, NEW)
        assert (None if tail is None else tail.first) == expected


def test_what_was_found_before_the_place_is_kept() -> None:
    tail = Rewind(4, 1, "4")
    kept = {
        Found(3, 0): True,
        Found(4, 0): True,
        Found(4, 0, "7"): True,
        Found(4, 1): True,
        Found(4, 1, "3"): False,
        Found(4, 2): False,
        Found(5, 1): False,
    }
    assert {found: tail.keeps(found) for found in kept} == kept


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((), None),
        ((Found(8, 1),), None),
        ((Found(4, 0, "70"),), None),  # units of the next input follow
        ((Found(8, 1, ""),), (1, "")),
        ((Found(8, 1, "70"),), (1, "70")),
        ((Found(8, 0, "70"), Found(8, 1, "")), (0, "70")),
        ((Found(8, 0, "70"), Found(8, 1)), (0, "70")),  # the next one held nothing but problems
        ((Found(8, 0, "70"),), (0, "70")),  # the next one held nothing at all
    ],
)
def test_inputs_that_are_read_again(found: tuple[Found, ...], expected: tuple[int, str] | None) -> None:
    stopped = job(found=found)
    assert unread_tail(stopped) is None, "it is being read"
    stopped.facts = Facts(planned=8, source=2, all_planned=True)
    tail = unread_tail(stopped)
    assert (None if tail is None else (tail.source, tail.cursor)) == expected
    assert tail is None or (tail.first == 8 and tail.units == ())


# ── a job whose size changes ──────────────────────────────────────────────────────────────────────────────


async def begun(it: Site, lines: int) -> str:
    """A job of so many lines, with the first of them in the air and the next composed ahead."""
    id_ = (await it.submit(lines)).id
    await it.plan()
    return id_


@pytest.mark.anyio
async def test_what_has_begun_stays_and_the_rest_is_divided_anew(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = await begun(it, 7)
        engine, message = await it.flight()
        await it.until(lambda: it.composed() == [[0], [1]])
        it.floor.configure("writer", batch_size=3)
        it.foreman.engine_changed("writer")
        await it.plan()
        it.do(engine, message)
        it.land(engine, message)
        await it.finish(id_)
        assert it.flown() == [["line 0"], ["line 1", "line 2", "line 3"], ["line 4", "line 5", "line 6"]]
        assert it.answers() == [f"done line {n}" for n in range(7)]
        assert it.row(id_).units_total == 3


@pytest.mark.anyio
async def test_the_size_may_change_again_and_again(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = await begun(it, 9)
        for size in (4, 2, 1, 5, 3):
            it.floor.configure("writer", batch_size=size)
            it.foreman.engine_changed("writer")
            await it.live(lambda: it.foreman._jobs[1].errand is None)
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(9)]
        assert sorted(line for flight in it.flown() for line in flight) == [f"line {n}" for n in range(9)]


@pytest.mark.anyio
async def test_a_move_to_an_engine_of_another_size_divides_anew(tmp_path: Path) -> None:
    other = EngineView("other", 1, False, False, True, "")
    async with site(tmp_path, ONE, other) as it:
        it.floor.configure("other", batch_size=4)
        id_ = await begun(it, 5)
        engine, message = await it.flight()
        await it.foreman.steer(control.MoveJob(id_, "other"))
        it.do(engine, message)
        it.land(engine, message)
        it.floor.change("other", free=True)
        await it.finish(id_)
        assert it.flown() == [["line 0"], ["line 1", "line 2", "line 3", "line 4"]]


@pytest.mark.anyio
async def test_problems_are_listed_once_however_often_their_lines_are_read(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        it.floor.change("writer", free=False)
        (tmp_path / "in").mkdir()
        it.write("in/a.jsonl", "a0", "junk 1", "a2", "junk 3")
        it.write("in/b.jsonl", "junk 0", "b1")
        with open(os.fsencode(tmp_path) + b"/in/caf\xe9.jsonl", "wb"):  # noqa: ASYNC230 (a moment, of a test)
            pass
        id_ = (await it.submit(inputs=(it.path("in"),))).id
        await it.plan()
        await it.plan()
        for size in (2, 1, 2):
            it.floor.configure("writer", batch_size=size)
            it.foreman.engine_changed("writer")
            await it.plan()
            await it.plan()
        it.floor.change("writer", free=True)
        it.foreman.engine_changed("writer")
        await it.finish(id_, "done with problems")
        assert it.row(id_).reason == "4 pieces of the input were set aside"
        first, *wheres = [problem.where for problem in (await it.foreman.detail(id_)).problems]
        assert first == f"{tmp_path}/in/caf\\xe9.jsonl", "whose name is no text"
        assert sorted(wheres) == ["a.jsonl line 2", "a.jsonl line 4", "b.jsonl line 1"]
        assert it.answers() == ["done a0", "done a2", "done b1"]


@pytest.mark.anyio
async def test_a_new_supervisor_with_another_size_divides_anew(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = await begun(it, 6)
        await it.fly()
        await it.until(lambda: it.row().units_done == 1)
        it.floor.change("writer", free=False)
    async with site(tmp_path, ONE) as it:
        it.floor.configure("writer", batch_size=2)
        it.second()
        await it.finish(id_)
        lines = [line for flight in it.flown() for line in flight]
        assert sorted(lines) == [f"line {n}" for n in range(1, 6)]
        assert len(it.flown()) in (3, 4), "one unit may have begun before"
        assert it.answers() == [f"done line {n}" for n in range(6)]


@pytest.mark.anyio
async def test_outputs_that_are_written_stay_when_the_rest_is_divided_anew(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        inputs = (it.write("a.jsonl", "a0"), it.write("b.jsonl", "b0", "b1", "b2", "b3"))
        id_ = (await it.submit(inputs=inputs, output=it.path("out/"))).id
        await it.live((tmp_path / "out" / "a.jsonl").exists)
        written = (tmp_path / "out" / "a.jsonl").stat().st_ino
        it.floor.configure("writer", batch_size=2)
        it.foreman.engine_changed("writer")
        await it.finish(id_)
        assert it.answers("out/b.jsonl") == [f"done b{n}" for n in range(4)]
        assert (tmp_path / "out" / "a.jsonl").stat().st_ino == written


# ── whatever happens in between ───────────────────────────────────────────────────────────────────────────


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(st.sampled_from(["good", "good", "good", "junk", "bad"]), min_size=2, max_size=12),
    changes=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), st.booleans()), max_size=6),
    folder=st.booleans(),
)
def test_every_line_is_done_once_whenever_sizes_change(
    lines: list[str], changes: list[tuple[int, int, bool]], folder: bool
) -> None:
    world = World(EngineView("one", 2, False, True, True, ""))
    half = len(lines) // 2
    world.submit(tuple(lines[:half]), tuple(lines[half:]), folder=folder)
    world.commit(1)
    for times, size, dies in changes:
        for _ in range(times):
            world.live()
        world.divide(size)
        if dies:
            world.boot()
        world.advance()
        world.check()
    world.settle()
    world.check_end()
    world.disk.close()
