"""The order in which jobs fly, which of many are looked after, who waits for whom, and which engines are woken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_site import Site, site
from msgspec.structs import replace

from config.pools import parse_route
from ipc import control
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Ending, Facts, Flight, Hold, Job, Spec, Unit
from supervisor.jobs.line import HEAD, PASSED_UNITS, Line
from supervisor.jobs.order import Order
from supervisor.jobs.schedule import LEAST_WINDOW, LOAD_SECONDS

DONE = Facts(planned=1, done=1, all_planned=True)


def job(number: int, kind: str = "fake", facts: Facts | None = None, **changes: object) -> Job:
    spec = Spec(number, f"box-{number}", kind, ("/in",), f"/out-{number}", (f"/out-{number}",), "", {}, 0.0)
    return Job(spec, replace(facts or Facts(), **changes))


def line_of(*jobs: Job, **endings: Ending | None) -> Line:
    """The line of these jobs; `endings` tells of others, as `j7="failed"`."""
    order = Order()
    for one in jobs:
        order.note(one.spec.number, None)
    for name, ending in endings.items():
        order.note(int(name.removeprefix("j")), ending)
    return Line({one.spec.number: one for one in jobs}, order)


def numbers(line: Line) -> list[int]:
    return [one.spec.number for one in line.head()]


def test_by_priority_then_first_come_first_served() -> None:
    jobs = [job(3), job(1), job(2, priority=9), job(4, priority=1), job(5, priority=9)]
    assert numbers(line_of(*jobs)) == [2, 5, 1, 3, 4]


@given(
    st.lists(st.tuples(st.sampled_from(["llm", "fake"]), st.sampled_from(["", "a"]), st.integers(1, 9)), max_size=90)
)
def test_the_head_holds_the_first_of_each_queue(made: list[tuple[str, str, int]]) -> None:
    jobs = [job(n, kind, engine=engine, priority=priority) for n, (kind, engine, priority) in enumerate(made, 1)]
    head = line_of(*jobs).head()
    place = {one.spec.number: (-one.facts.priority, one.spec.number) for one in jobs}
    assert [place[one.spec.number] for one in head] == sorted(place[one.spec.number] for one in head)
    for queue in {(kind, engine) for kind, engine, _ in made}:
        whole = sorted(n for n, (kind, engine, _) in enumerate(made, 1) if (kind, engine) == queue)
        first = sorted(whole, key=lambda number: place[number])[:HEAD]
        assert {one.spec.number for one in head if (one.spec.kind, one.facts.engine) == queue} == set(first)


def test_many_jobs_for_one_engine_keep_nobody_elses_from_the_head() -> None:
    jobs = [job(n, engine="busy", priority=9) for n in range(1, 2 * HEAD)] + [job(99, engine="idle", priority=1)]
    assert numbers(line_of(*jobs))[-1] == 99


def test_the_line_is_sorted_anew_only_when_it_is_told() -> None:
    one, two = job(1), job(2)
    line = line_of(one, two)
    assert numbers(line) == [1, 2]
    two.facts = replace(two.facts, priority=9)
    assert numbers(line) == [1, 2]
    line.changed()
    assert numbers(line) == [2, 1]


@pytest.mark.parametrize(
    ("facts", "flying", "in_line"),
    [
        (Facts(), False, True),
        (Facts(paused=True), False, False),
        (Facts(paused=True), True, True),  # its row changes as it lands
        (replace(DONE, paused=True), False, True),  # its output is still written
        (Facts(after=(7,)), False, False),
        (Facts(after=(7,), begun=True, planned=1), False, True),
        (Facts(after=(8,)), False, True),
        (Facts(after=(9,)), False, False),
        (Facts(after=(8, 9)), False, False),
        (Facts(after=(77,)), False, True),  # it was cleared
    ],
)
def test_who_stands_in_line(facts: Facts, flying: bool, in_line: bool) -> None:
    one = job(1, facts=facts)
    if flying:
        one.flights[1] = Flight(1, 1, "a", (Unit(0, "x", "line 0", None),), deterministic=False, stage="sent")
    line = line_of(one, j7=None, j8="done with problems", j9="failed")
    assert bool(line.head()) == in_line


def test_the_first_that_has_not_ended_well_is_the_one_that_is_waited_for() -> None:
    order = Order()
    for number, ending in ((1, "done"), (2, "cancelled"), (3, None)):
        order.note(number, ending)  # type: ignore[arg-type]  # these are endings
    one = job(9, after=(1, 3, 2))
    assert order.waits_for(one) == 3
    order.note(3, "done")
    assert order.waits_for(one) == 2
    order.forget(2)
    assert order.waits_for(one) is None


# ── as the foreman does it ────────────────────────────────────────────────────────────────────────────────

UP = EngineView("up", 1, False, True, True, "")
DOWN = EngineView("down", 1, False, False, True, "")


async def one_done(it: Site, lines: int, seconds: float) -> str:
    """A job of which one unit is done, in so many seconds, and the next is in the air."""
    id_ = (await it.submit(lines)).id
    await it.plan()
    engine, message = await it.flight()
    it.foreman.said(engine, replace(it.done(message.flight, message.units[0]), seconds=seconds))
    it.land(engine, message)
    await it.until(lambda: it.row().units_done == 1)
    await it.flight()
    return id_


@pytest.mark.anyio
@pytest.mark.parametrize(("seconds", "woken"), [(1.0, False), (2 * LOAD_SECONDS, True)])
async def test_another_engine_is_woken_only_where_it_is_worth_its_load(
    tmp_path: Path, seconds: float, woken: bool
) -> None:
    async with site(tmp_path, UP, DOWN) as it:
        await one_done(it, 4, seconds)
        it.second()
        assert ("down" in it.floor.woken) == woken
        assert "up" not in it.floor.woken


@pytest.mark.anyio
async def test_an_engine_is_woken_for_the_first_job_that_needs_it(tmp_path: Path) -> None:
    async with site(tmp_path, DOWN, replace(DOWN, name="other")) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        await it.until(lambda: it.floor.woken == ["down"])
        await it.foreman.steer(control.MoveJob(id_, "other"))
        assert it.floor.woken == ["down", "other"]
        assert it.foreman.wanted() == {"other"}
        await it.foreman.steer(control.PauseJob(id_))
        it.second()
        assert it.foreman.wanted() == frozenset()
        assert it.floor.woken == ["down", "other"]


@pytest.mark.anyio
async def test_several_engines_of_a_kind_work_on_one_job(tmp_path: Path) -> None:
    async with site(tmp_path, UP, replace(UP, name="too")) as it:
        await it.submit(4)
        await it.plan()
        assert {(await it.flight())[0], (await it.flight())[0]} == {"up", "too"}
        assert it.foreman.at_work() == {"up", "too"}
        it.second()
        assert it.row().units_flying == 2


@pytest.mark.anyio
async def test_only_the_head_of_the_line_is_looked_after(tmp_path: Path) -> None:
    async with site(tmp_path, DOWN) as it:
        for n in range(HEAD + 2):
            await it.submit(0, inputs=(it.write(f"{n}.jsonl", "x"),), output=it.path(f"{n}.out"))
        await it.live(lambda: len(it.floor.desk_messages) == HEAD)
        it.second()
        assert len(it.floor.desk_messages) == HEAD
        assert len(it.foreman.active_rows()) == HEAD
        assert len(it.foreman.rows()) == HEAD + 2
        first = it.foreman.rows()[0].id
        await it.cancel(first)
        await it.live(lambda: len(it.floor.desk_messages) == HEAD + 1)


def test_jobs_that_are_held_keep_nobody_from_the_line_and_come_to_their_turn_themselves() -> None:
    held = [job(number) for number in range(1, 3 * HEAD + 1)]
    for one in held:
        one.hold = Hold("its output exists", 1e9)
    line = line_of(*held, job(100), job(101))
    seen: set[int] = set()
    for _ in range(3):
        head = numbers(line)
        assert head == numbers(line), "whoever just asks moves nobody on"
        line.turn()
        assert head[-2:] == [100, 101]
        assert len(head) == HEAD + 2
        seen.update(head)
    assert len(seen) == 3 * HEAD + 2, "each of them is looked after in turn"


ROUTE = parse_route("small < 30s < large", {"small": "fake", "large": "fake"})


def pooled(number: int, *extents: float, units: int = 1) -> Job:
    """A job of a pool, of which so many units of such lengths wait."""
    one = job(number, engine="ears", planned=units * len(extents), all_planned=bool(extents))
    one.follow(ROUTE)
    one.put_back(Unit(n, "x", "", None, extent=extents[n // units]) for n in range(units * len(extents)))
    return one


def test_jobs_for_one_stage_keep_nobody_from_the_others() -> None:
    long = [pooled(number, 100.0) for number in range(1, 2 * HEAD + 1)]
    short = [pooled(number, 5.0) for number in range(100, 100 + HEAD + 1)]
    unplanned = [pooled(number) for number in range(200, 200 + HEAD + 1)]
    line = line_of(*long, *short, *unplanned)
    seen: set[int] = set()
    for _ in range(2):
        head = numbers(line)
        line.turn()
        assert head == sorted(head)
        assert {*range(1, HEAD + 1), *range(100, 100 + HEAD), *range(200, 200 + HEAD)} <= set(head)
        assert len(head) <= 4 * HEAD
        seen.update(head)
    assert len(seen) == len(long) + len(short) + HEAD, "those that were passed over are looked after in turn"


def test_what_flies_is_looked_after_and_counts_for_its_stage() -> None:
    jobs = [pooled(number, 100.0) for number in range(1, HEAD + 3)]
    for one in jobs:
        unit = one.take(0)
        assert unit is not None
        one.flights[1] = Flight(1, one.spec.number, "large", (unit,), deterministic=False, stage="sent")
    assert numbers(line_of(*jobs, pooled(99))) == [*range(1, HEAD + 3), 99]


@pytest.mark.parametrize(("units", "passed"), [(1, PASSED_UNITS // LEAST_WINDOW), (PASSED_UNITS // 4, 4)])
def test_only_so_much_is_passed_over(units: int, passed: int) -> None:
    first = [pooled(number, 100.0) for number in range(1, HEAD + 1)]
    over = [pooled(number, 100.0, units=units) for number in range(100, 100 + passed)]
    last = pooled(9999, 5.0)
    assert last.spec.number in numbers(line_of(*first, *over[1:], last))
    assert last.spec.number not in numbers(line_of(*first, *over, last))
