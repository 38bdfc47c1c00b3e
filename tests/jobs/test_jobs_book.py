"""Narrow places of the book and the air, one by one: forgiving, caution, holds, and what is said of it."""

from __future__ import annotations

import dataclasses

import pytest
from job_world import World
from msgspec.structs import replace

from ipc import work
from ipc.errors import Problem
from supervisor.jobs import effects
from supervisor.jobs.book import HOLDS
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Flight, Hold, Job, Spec, Unit
from supervisor.jobs.rows import INPUTS_NAMED, About, row_of

ONE = EngineView("one", 1, False, True, True, "")
SPEC = Spec(1, "box-1", "fake", ("/in",), "/out", ("/out",), "", {}, 0.0)


def quarantine_two_then_leave_one_job_assembling() -> World:
    """Job 1, whose only unit was set aside, is being assembled; the next death of job 2's second unit is the last."""
    world = World(ONE)
    world.submit(("poison",))
    world.submit(("poison", "poison"))
    while world.own_deaths < 8:
        if world.errands and isinstance(world.errands[0][0], effects.Plan):
            world.run_errand()
        elif world.airborne:
            (order,) = world.open_orders("one")
            world.work_on("one", order)
        world.commit(1000)
        world.advance()
    assert [type(errand) for errand, *_ in world.errands] == [effects.Assemble]
    return world


def kill(world: World) -> None:
    world.commit(1000)
    world.advance()
    world.commit(1000)
    (order,) = world.open_orders("one")
    world.work_on("one", order)
    world.commit(1000)


def test_an_assembly_that_was_overtaken_by_forgiveness_is_done_again() -> None:
    world = quarantine_two_then_leave_one_job_assembling()
    kill(world)
    assert world.cured, "the engine was condemned"
    assert world.jobs[1].facts.failed == 0
    assert [*world.jobs[1].free] == [0]
    world.run_errand()
    world.commit(1000)
    assert 1 in world.jobs
    world.settle()
    world.check_end()
    assert {facts.ending for facts in world.told.values()} == {"done"}
    world.disk.close()


def test_what_is_being_put_in_its_place_while_its_unit_is_forgiven_is_written_again() -> None:
    world = quarantine_two_then_leave_one_job_assembling()
    world.run_errand()
    assert world.jobs[1].errand == "placing"
    kill(world)
    assert world.cured
    assert world.jobs[1].facts.failed == 0
    world.settle()
    world.check_end()
    assert [facts.ending for facts in world.told.values()] == ["done", "done"]
    world.disk.close()


def test_after_a_death_in_company_nobody_gets_company_for_a_while() -> None:
    world = World(EngineView("one", 3, False, True, True, ""))
    world.submit(("good",) * 9)
    world.commit(1)
    while not world.airborne:
        world.advance()
        if world.errands:
            world.run_errand()
        world.commit(1000)
    world.now = 1000.0
    world.die("one", "own")
    for _ in range(4):  # the three suspects, then a bystander
        world.commit(1000)
        world.advance()
        world.commit(1000)
        world.advance()
        assert len(world.open_orders("one")) == 1
        world.work_on("one", world.open_orders("one")[0])
        world.land("one")
    world.now = 1061.0
    world.settle()
    world.check_end()
    assert max(len(company) for company in world.companies[5:]) > 1
    world.disk.close()


def test_what_does_not_work_is_tried_ever_more_slowly_and_told_once() -> None:
    world = World(ONE)
    world.submit(("good",))
    job, book, now = world.jobs[1], world.book, 0.0
    told = []
    for wait in (*HOLDS, HOLDS[-1], HOLDS[-1]):
        assert book.errand(job, 64, 0, now) == [effects.Plan(1, 64)]
        told += book.mishap(1, "the desk died", now)
        assert book.errand(job, 64, 0, now + wait - 0.01) == []
        now += wait
    assert [effect.text for effect in told if isinstance(effect, effects.Happen)] == ["box-1 is held: the desk died."]
    book.errand(job, 64, 0, now)
    world.perform(book.planned(1, work.Planned(0, (), (), "7", end=False), {}))
    assert book.errand(job, 64, 0, now) == [effects.Plan(1, 64)]
    world.disk.close()


def test_an_input_that_breaks_off_is_a_problem_and_the_others_go_on() -> None:
    world = World(ONE)
    world.submit(("torn",), ("good",))
    world.perform(world.book.unreadable(1, Problem("Unreadable", "/in-0 is gone.", ""), {}))
    assert (world.jobs[1].facts.source, world.jobs[1].facts.all_planned) == (1, False)
    unit = work.PlannedUnit("1/1/0-0 good", "b line 1", None)
    world.perform(world.book.planned(1, work.Planned(0, (unit,), (), "9", end=True), {}))
    assert world.jobs[1].facts.all_planned
    world.settle()
    world.check_end()
    assert (world.told[1].ending, world.told[1].reason) == ("done with problems", "1 input could not be read")
    world.disk.close()


STOPPED = replace(ONE, available=False, free=False, why_not="one is stopped")
CROWDED = replace(ONE, free=False, hold="memory: 2 GiB more than is free")
TWO = replace(ONE, name="two")
WAITING = About((ONE,), after=("box-7",), waits_for="box-7")
ALL_ENDED = Facts(planned=2, all_planned=True, done=1, failed=1)


@pytest.mark.parametrize(
    ("facts", "about", "expected"),
    [
        (Facts(), About((ONE,)), ("queued", "")),
        (Facts(attempts=1), About((ONE,)), ("running", "")),
        (Facts(attempts=1, paused=True), About((ONE,)), ("paused", "")),
        (Facts(attempts=1), About((STOPPED,)), ("held", "one is stopped")),
        (Facts(attempts=1), About((STOPPED, TWO)), ("running", "")),
        (Facts(), About((CROWDED,)), ("held", "one: 2 GiB more than is free")),
        (Facts(), About((CROWDED, TWO)), ("queued", "")),
        (Facts(), About((STOPPED, replace(CROWDED, name="two"))), ("held", "two: 2 GiB more than is free")),
        (Facts(attempts=1), About((ONE,), yielding={"one": "two"}), ("held", "one makes room for two")),
        (Facts(attempts=1), About((ONE, TWO), yielding={"one": "two"}), ("running", "")),
        (Facts(attempts=1), About((ONE,), trouble="nothing can be stored"), ("held", "nothing can be stored")),
        (ALL_ENDED, About((ONE,)), ("assembling", "")),
        (Facts(ending="cancelled"), About((STOPPED,), trouble="nothing can be stored"), ("cancelled", "")),
        (Facts(), About(), ("held", "any engine of its kind is missing in the configuration")),
        (Facts(engine="nine"), About(), ("held", "nine is missing in the configuration")),
        (Facts(), WAITING, ("queued", "after box-7")),
        (
            Facts(),
            dataclasses.replace(WAITING, ended_badly="was cancelled"),
            ("held", "after box-7, which was cancelled: retry that, or release this"),
        ),
    ],
)
def test_the_state_of_a_row(facts: Facts, about: About, expected: tuple[str, str]) -> None:
    row = row_of(SPEC, facts, Job(SPEC, facts), about, None)
    assert (row.state, row.reason) == expected


def test_what_flies_goes_before_what_holds_the_rest() -> None:
    job = Job(SPEC, Facts(attempts=1), hold=Hold("the desk died", 9.0))
    assert row_of(SPEC, job.facts, job, About((ONE,)), None).reason == "the desk died"
    job.flights[1] = Flight(1, 1, "one", (Unit(0, "x", "line 0", None),), deterministic=False, stage="sent")
    row = row_of(SPEC, job.facts, job, About((STOPPED,)), None)
    assert (row.state, row.units_flying) == ("running", 1)


def test_a_row_names_the_first_of_many_inputs() -> None:
    spec = replace(SPEC, inputs=tuple(f"/in-{n}" for n in range(INPUTS_NAMED + 3)))
    row = row_of(spec, Facts(), Job(spec), About((ONE,)), None)
    assert (row.inputs, row.more_inputs) == (spec.inputs[:INPUTS_NAMED], 3)


def test_what_a_job_cost_is_told_only_where_it_was_measured() -> None:
    bare = row_of(SPEC, Facts(work_seconds=3.0), Job(SPEC), About((ONE,)), None)
    assert (bare.audio_seconds, bare.rtf, bare.joules) == (None, None, None)
    full = row_of(SPEC, Facts(work_seconds=3.0, audio_seconds=12.0, joules=40.0), Job(SPEC), About((ONE,)), None)
    assert (full.audio_seconds, full.rtf, full.joules) == (12.0, 0.25, 40.0)
