"""What flies next: order, company, suspects, caution, and that one flight fits one message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from job_world import World
from msgspec.structs import replace

from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Formation, Job, Spec, Unit
from supervisor.jobs.schedule import (
    FLIGHT_BYTES,
    LOAD_SECONDS,
    best_to_wake,
    choose,
    seconds_left,
    units_expected,
    window,
)

SPEC = Spec(1, "box-1", "fake", ("/in",), "/out", ("/out",), "", {}, 0.0)
PLAIN = EngineView("writer", 3, False, True, True, "")
STRICT = replace(PLAIN, deterministic=True)


def job(*indices: int, alone: tuple[int, ...] = (), all_planned: bool = True, payload: str = "x") -> Job:
    return Job(
        SPEC,
        Facts(planned=10, all_planned=all_planned),
        {index: Unit(index, payload, f"line {index}", None, alone=index in alone) for index in indices},
    )


@pytest.mark.parametrize(
    ("waiting", "engine", "careful", "expected"),
    [
        (job(5, 2, 3, 4), PLAIN, False, (2, 3, 4)),
        (job(5), PLAIN, False, (5,)),
        (job(), PLAIN, False, None),
        (job(1, 2, 3, alone=(2, 3)), PLAIN, False, (2,)),
        (job(1, 2, 3), PLAIN, True, (1,)),
        (job(1, 2, 3, all_planned=False), STRICT, False, (1, 2, 3)),
        (job(1, 2, all_planned=False), STRICT, False, None),
        (job(1, 2), STRICT, False, (1, 2)),
        (job(1, 2, 3), STRICT, True, None),
        (job(1, 2, 3, alone=(2,)), STRICT, True, (2,)),
        (job(1, 2, payload="x" * (FLIGHT_BYTES - 1)), PLAIN, False, (1,)),
        (job(1, payload="x" * (FLIGHT_BYTES + 1)), PLAIN, False, (1,)),
        (job(1, 2, payload="x" * (FLIGHT_BYTES - 1), all_planned=False), STRICT, False, (1,)),
    ],
)
def test_the_next_flight(waiting: Job, engine: EngineView, careful: bool, expected: tuple[int, ...] | None) -> None:
    choice = choose(waiting, engine, engine.parallel, careful=careful, shaken=False)
    assert (None if choice is None else tuple(unit.index for unit in choice.units)) == expected


def test_right_after_a_suspects_death_a_bystander_goes_first() -> None:
    for waiting, engine, expected in (
        (job(1, 2, 3, alone=(1,)), PLAIN, (2,)),
        (job(1, 2, 3, alone=(1,)), STRICT, (1,)),
        (job(1, alone=(1,)), PLAIN, (1,)),
    ):
        choice = choose(waiting, engine, engine.parallel, careful=True, shaken=True)
        assert choice is not None
        assert tuple(unit.index for unit in choice.units) == expected


def test_a_paused_job_flies_nothing() -> None:
    waiting = job(1, 2)
    waiting.facts = replace(waiting.facts, paused=True)
    assert choose(waiting, PLAIN, PLAIN.parallel, careful=False, shaken=False) is None


def test_a_company_flies_again_before_anything_else_and_only_where_it_stays_together() -> None:
    waiting = job(0, alone=(0,))
    formation = Formation(7, (Unit(4, "x", "", None), Unit(5, "x", "", None)), crashes=0)
    waiting.formations.append(formation)
    choice = choose(waiting, STRICT, STRICT.parallel, careful=False, shaken=False)
    assert choice is not None
    assert choice.formation is formation
    for engine, careful in ((PLAIN, False), (replace(STRICT, parallel=1), False), (STRICT, True)):
        other = choose(waiting, engine, engine.parallel, careful=careful, shaken=False)
        assert other is not None
        assert [unit.index for unit in other.units] == [0]
    formation.crashes = 1
    again = choose(waiting, STRICT, STRICT.parallel, careful=True, shaken=False)
    assert again is not None
    assert again.formation is formation


def test_the_window_grows_with_the_engines() -> None:
    assert window(()) == 256
    assert window((replace(PLAIN, parallel=64),) * 3) == 384


DOWN = replace(PLAIN, free=False)
FAILED = replace(DOWN, name="broken", available=False)
HELD = replace(DOWN, name="held", hold="memory: no room")
OTHER = replace(DOWN, name="other")
UP = replace(PLAIN, name="up", parallel=2)


@pytest.mark.parametrize(
    ("engines", "flying", "seconds", "expected"),
    [
        ((FAILED, DOWN), (), 0.0, ("writer",)),
        ((FAILED,), (), 0.0, ()),
        ((DOWN, OTHER), (), 1e9, ("writer",)),  # one at a time, however much there is to do
        ((HELD, DOWN), (), 0.0, ("writer",)),  # one that nothing holds comes first
        ((HELD, replace(HELD, name="other")), (), 0.0, ("held", "other")),  # whoever finds room first
        ((DOWN, UP), (), 0.0, ()),  # nobody knows yet how long it takes
        ((DOWN, OTHER), ("other",), 0.0, ()),
        ((DOWN, UP), (), 2 * 2 * (LOAD_SECONDS + 1), ()),
        ((DOWN, UP), (), 2 * 2 * (LOAD_SECONDS + 1) + 0.1, ("writer",)),
        ((replace(DOWN, load_seconds=60.0), UP), (), 2 * 2 * 61.0, ()),
        ((replace(DOWN, load_seconds=60.0), UP), (), 2 * 2 * 61.0 + 0.1, ("writer",)),
        ((DOWN, replace(UP, load_seconds=60.0)), (), 2 * 2 * 61.0, ()),  # one like it took so long
        ((replace(DOWN, load_seconds=0.0), UP), (), 2 * 2 * 1.0 + 0.1, ("writer",)),
        ((replace(DOWN, load_seconds=60.0), replace(OTHER, load_seconds=1.0), UP), (), 100.0, ("other",)),
        ((DOWN, OTHER, UP), (), 1e9, ("writer",)),
        ((HELD, UP), (), 1e9, ("held",)),  # it may find room by now
        ((FAILED, UP), (), 1e9, ()),
    ],
)
def test_who_is_woken(
    engines: tuple[EngineView, ...], flying: tuple[str, ...], seconds: float, expected: tuple[str, ...]
) -> None:
    assert best_to_wake(engines, flying, seconds) == expected


@pytest.mark.parametrize(
    ("facts", "inputs", "expected"),
    [
        (Facts(), 1, None),
        (Facts(planned=10, share=None), 1, None),
        (Facts(planned=10, share=0.25), 1, 40),
        (Facts(planned=10, share=1.0), 1, 10),
        (Facts(planned=10, source=1), 4, 40),
        (Facts(planned=30, source=1, share=0.5), 4, 80),
        (Facts(planned=30, source=1, share=None), 4, 120),
        (Facts(planned=0, source=1), 2, None),
        (Facts(planned=7, source=3, all_planned=True), 3, 7),
        (Facts(planned=0, source=1, all_planned=True), 1, 0),
    ],
)
def test_how_many_units_are_expected(facts: Facts, inputs: int, expected: int | None) -> None:
    spec = replace(SPEC, inputs=tuple(f"/in-{n}" for n in range(inputs)))
    assert units_expected(Job(spec, facts)) == expected


def test_what_is_left_of_a_job_takes_as_long_as_what_was_done() -> None:
    assert seconds_left(Job(SPEC, Facts(planned=10, share=0.5))) == 0.0
    assert seconds_left(Job(SPEC, Facts(planned=10, share=0.5, done=3, failed=2, seconds=6.0))) == 15 * 2.0
    assert seconds_left(Job(SPEC, Facts(planned=10, share=None, done=5, seconds=5.0))) == 5.0


@settings(max_examples=150, deadline=None)
@given(
    parallel=st.integers(1, 4),
    units=st.integers(1, 14),
    disturbances=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["outside", "ours", "memory", "landed", "supervisor"])), max_size=8
    ),
)
def test_deterministic_companies_are_the_same_whatever_dies(
    parallel: int, units: int, disturbances: list[tuple[int, str]]
) -> None:
    world = World(EngineView("one", parallel, True, True, True, ""))
    world.submit(("good",) * units)
    world.commit(1)
    for times, what in disturbances:
        for _ in range(times):
            world.live()
        match what:
            case "supervisor":
                world.boot()
            case "landed" if world.airborne:
                world.land("one")
            case "outside" | "ours" | "memory" if world.airborne:
                world.die("one", what)
            case _:
                pass
        world.advance()
    world.settle()
    world.check_end()
    world.disk.close()
    companies = {tuple(range(first, min(first + parallel, units))) for first in range(0, units, parallel)}
    assert set(world.companies) == companies
