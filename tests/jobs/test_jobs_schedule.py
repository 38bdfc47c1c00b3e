"""What flies next: order, company, suspects, caution, and that one flight fits one message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from job_world import World
from msgspec.structs import replace

from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Formation, Job, Spec, Unit
from supervisor.jobs.schedule import FLIGHT_BYTES, best_to_wake, choose, window

SPEC = Spec(1, "box-1", "fake", "", ("/in",), "/out", "", {}, 0.0)
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
    choice = choose(waiting, engine, careful=careful, shaken=False)
    assert (None if choice is None else tuple(unit.index for unit in choice.units)) == expected


def test_right_after_a_suspects_death_a_bystander_goes_first() -> None:
    for waiting, engine, expected in (
        (job(1, 2, 3, alone=(1,)), PLAIN, (2,)),
        (job(1, 2, 3, alone=(1,)), STRICT, (1,)),
        (job(1, alone=(1,)), PLAIN, (1,)),
    ):
        choice = choose(waiting, engine, careful=True, shaken=True)
        assert choice is not None
        assert tuple(unit.index for unit in choice.units) == expected


def test_a_paused_job_flies_nothing() -> None:
    waiting = job(1, 2)
    waiting.facts = replace(waiting.facts, paused=True)
    assert choose(waiting, PLAIN, careful=False, shaken=False) is None


def test_a_company_flies_again_before_anything_else_and_only_where_it_stays_together() -> None:
    waiting = job(0, alone=(0,))
    formation = Formation(7, (Unit(4, "x", "", None), Unit(5, "x", "", None)), crashes=0)
    waiting.formations.append(formation)
    choice = choose(waiting, STRICT, careful=False, shaken=False)
    assert choice is not None
    assert choice.formation is formation
    for engine, careful in ((PLAIN, False), (replace(STRICT, parallel=1), False), (STRICT, True)):
        other = choose(waiting, engine, careful=careful, shaken=False)
        assert other is not None
        assert [unit.index for unit in other.units] == [0]
    formation.crashes = 1
    again = choose(waiting, STRICT, careful=True, shaken=False)
    assert again is not None
    assert again.formation is formation


def test_the_window_grows_with_the_engines() -> None:
    assert window(()) == 256
    assert window((replace(PLAIN, parallel=64),) * 3) == 384


def test_one_engine_is_woken_and_none_while_another_is_up() -> None:
    stopped = replace(PLAIN, free=False)
    failed = replace(stopped, name="broken", available=False)
    assert best_to_wake((failed, stopped), ()) == ("writer",)
    assert best_to_wake((failed, stopped, replace(PLAIN, name="other")), ()) == ()
    assert best_to_wake((stopped, replace(stopped, name="other")), ("other",)) == ()
    assert best_to_wake((failed,), ()) == ()
    held = replace(stopped, name="held", hold="memory: no room")
    assert best_to_wake((held, stopped), ()) == ("writer",), "one that nothing holds comes first"
    assert best_to_wake((held, replace(held, name="other")), ()) == ("held", "other"), "whoever finds room first"


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
