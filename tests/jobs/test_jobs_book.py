"""Narrow places of the book and the air, one by one: forgiving, caution, holds, and what is said of it."""

from __future__ import annotations

import pytest
from job_world import World

from ipc import work
from ipc.errors import Problem
from supervisor.jobs import effects
from supervisor.jobs.book import HOLDS
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Job, Spec
from supervisor.jobs.rows import Meter, row_of

ONE = EngineView("one", 1, False, True, True, "")
SPEC = Spec(1, "box-1", "fake", "", ("/in",), "/out", "", {}, 0.0)


def quarantine_two_then_leave_one_job_assembling() -> World:
    """Job 1, whose only unit was set aside, is being assembled; the next death of job 2's second unit is the last."""
    world = World(ONE)
    world.submit(("poison",))
    world.submit(("poison", "poison"))
    while world.own_deaths < 8:
        if world.errands and isinstance(world.errands[0], effects.Plan):
            world.run_errand()
        elif world.airborne:
            (order,) = world.open_orders("one")
            world.work_on("one", order)
        world.commit(1000)
        world.advance()
    assert [type(errand) for errand in world.errands] == [effects.Assemble]
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


def test_what_is_being_put_in_its_place_is_not_forgiven_any_more() -> None:
    world = quarantine_two_then_leave_one_job_assembling()
    world.run_errand()
    kill(world)
    assert world.cured
    assert world.jobs[1].facts.failed == 1
    world.settle()
    world.check_end()
    assert [facts.ending for facts in world.told.values()] == ["done with problems", "done"]
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
        assert book.errand(job, 64, now, now) == [effects.Plan(1, 64)]
        told += book.mishap(1, "the desk died", now)
        assert book.errand(job, 64, now, now + wait - 0.01) == []
        now += wait
    assert [effect.text for effect in told if isinstance(effect, effects.Happen)] == ["box-1 is held: the desk died."]
    book.errand(job, 64, now, now)
    world.perform(book.planned(1, work.Planned(0, (), (), "7", end=False)))
    assert book.errand(job, 64, now, now) == [effects.Plan(1, 64)]
    world.disk.close()


def test_an_input_that_breaks_off_is_a_problem_and_the_others_go_on() -> None:
    world = World(ONE)
    spec = Spec(1, "box-1", "fake", "", ("/a", "/b"), "/out", "", {}, 0.0)
    world.perform(world.book.add(spec))
    world.perform(world.book.unreadable(1, Problem("Unreadable", "/a is gone.", "")))
    assert (world.jobs[1].facts.source, world.jobs[1].facts.all_planned) == (1, False)
    unit = work.PlannedUnit("good", "b line 1", None)
    world.perform(world.book.planned(1, work.Planned(0, (unit,), (), "9", end=True)))
    assert world.jobs[1].facts.all_planned
    world.settle()
    assert (world.told[1].ending, world.told[1].reason) == ("done with problems", "1 input could not be read")
    world.disk.close()


@pytest.mark.parametrize(
    ("facts", "available", "trouble", "expected"),
    [
        (Facts(), True, "", ("queued", "")),
        (Facts(attempts=1), True, "", ("running", "")),
        (Facts(attempts=1, paused=True), True, "", ("paused", "")),
        (Facts(attempts=1), False, "", ("held", "one is stopped")),
        (Facts(attempts=1), True, "nothing can be stored", ("held", "nothing can be stored")),
        (Facts(planned=2, all_planned=True, done=1, failed=1), True, "", ("assembling", "")),
        (Facts(ending="cancelled"), False, "nothing can be stored", ("cancelled", "")),
    ],
)
def test_the_state_of_a_row(facts: Facts, available: bool, trouble: str, expected: tuple[str, str]) -> None:
    engine = EngineView("one", 1, False, available, available, "" if available else "one is stopped")
    row = row_of(SPEC, facts, Job(SPEC, facts), (engine,), trouble, None)
    assert (row.state, row.reason) == expected


def test_a_job_whose_engine_is_no_more_is_held() -> None:
    row = row_of(SPEC, Facts(), Job(SPEC), (), "", None)
    assert (row.state, row.reason) == ("held", "any engine of kind fake is missing in the configuration")


def test_rates_are_of_the_last_minute_and_unknown_before_anything_ended() -> None:
    meter = Meter(0.0, Facts(done=10, tokens=1000))
    assert meter.per_second() == (None, None)
    meter.read(50.0, Facts(done=10, tokens=1000))
    assert meter.per_second() == (None, None)
    meter.read(100.0, Facts(done=20, tokens=1100))
    assert meter.per_second() == (0.2, 2.0)
    meter.read(1000.0, Facts(done=20, tokens=1100))
    assert meter.per_second() == (0.01, 0.1), "of all it did, while nothing ended in the last minute"
    row = row_of(SPEC, Facts(attempts=1, planned=30, all_planned=True, done=20), Job(SPEC), (ONE,), "", meter)
    assert row.eta_seconds == pytest.approx(1000.0)
