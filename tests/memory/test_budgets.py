"""Who leaves so that a pool holds no more than it may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from memory_box import GIB, resident

from engines.appraisal import Need, Option
from supervisor.memory.ask import Placement, Refusal, Slice
from supervisor.memory.budgets import Budget, within
from supervisor.memory.claims import Claim
from supervisor.memory.decide import Grant, Verdict
from supervisor.memory.fleet import Resident
from supervisor.memory.victims import Wait

OPTION = Option({}, "", "", "", None, None, Need(layers=(0,), on_gpu=1, per_gpu_bytes=0, host_bytes=0))
EARS = Budget("ears", frozenset({"small", "medium", "large"}), 10 * GIB)


def claim(engine: str, gib: float, *, gpu: bool = True) -> Claim:
    slices = (Slice("GPU-0", int(gib * GIB)),) if gpu else ()
    placement = Placement(slices, 1, GIB if gpu else int(gib * GIB), False, "GPU 0, the only one")
    return Claim(engine, placement, OPTION, "", "", {}, "", 0)


def grant(engine: str, gib: float, *victims: str, gpu: bool = True) -> Grant:
    return Grant(claim(engine, gib, gpu=gpu), victims, ())


def decided(
    verdict: Verdict, residents: Mapping[str, Resident], claims: Mapping[str, float], *budgets: Budget
) -> Verdict:
    held = {name: claim(name, gib) for name, gib in claims.items()}
    engine = verdict.claim.engine if isinstance(verdict, Grant) else "large"
    return within(verdict, engine, budgets or (EARS,), held, residents.values())


def box(*names: str) -> dict[str, Resident]:
    return {name: resident(name, {"GPU-0": 1}) for name in names}


def test_what_is_within_the_budget_stays_as_decided() -> None:
    wanted = grant("large", 4)
    assert decided(wanted, box("small", "medium"), {"small": 1, "medium": 5}) is wanted
    assert decided(wanted, box("other"), {"other": 50}) is wanted, "it is in no pool"
    alone = replace(EARS, members=frozenset({"small"}))
    assert decided(wanted, box("small"), {"small": 50}, alone) is wanted


def test_idle_members_leave_the_cheapest_first_and_no_more_than_must() -> None:
    there = box("small", "medium")
    there["small"] = replace(there["small"], idle_seconds=6000.0)
    made = decided(grant("large", 6), there, {"small": 1, "medium": 5})
    assert isinstance(made, Grant)
    assert made.victims == ("medium",), "small would not have sufficed, and need not go as well"
    assert made.claim.placement.words == "GPU 0, the only one; pool ears may hold 10.0 GiB"
    made = decided(grant("large", 5), there, {"small": 1, "medium": 5})
    assert isinstance(made, Grant)
    assert made.victims == ("small",)


def test_who_leaves_a_gpu_already_counts_no_more() -> None:
    made = decided(grant("large", 9, "medium"), box("small", "medium"), {"small": 1, "medium": 5})
    assert isinstance(made, Grant)
    assert made.victims == ("medium",)


def test_what_it_holds_itself_does_not_count_twice() -> None:
    again = grant("large", 7)
    assert decided(again, box("small"), {"large": 6, "small": 1}) is again


def test_members_at_work_are_waited_for() -> None:
    there = box("small", "medium")
    there["medium"] = replace(there["medium"], busy=True)
    made = decided(grant("large", 6), there, {"small": 1, "medium": 5})
    assert isinstance(made, Wait)
    assert (made.reason, made.engines) == ("Pool ears may hold 10.0 GiB; medium (5.0 GiB) is busy.", ("medium",))
    assert made.help == "Stop medium, or raise `budget` of [pool.ears]."
    made = decided(grant("large", 5), there, {"small": 1, "medium": 5})
    assert isinstance(made, Grant)
    assert made.victims == ("small",), "the idle one goes, where that suffices"


def test_one_that_takes_more_than_the_pool_may_hold_is_refused() -> None:
    made = decided(grant("large", 11), {}, {})
    assert isinstance(made, Refusal)
    assert made.reason == "large takes 11.0 GiB, and pool ears may hold 10.0 GiB."
    assert "[pool.ears]" in made.help


def test_an_engine_on_the_cpu_counts_with_what_it_takes_of_the_host() -> None:
    made = decided(grant("large", 6, gpu=False), box("small"), {"small": 5})
    assert isinstance(made, Grant)
    assert made.victims == ("small",)


def test_every_pool_has_its_say() -> None:
    both = replace(EARS, pool="others", members=frozenset({"large", "other"}), bytes=8 * GIB)
    made = decided(grant("large", 6), box("medium", "other"), {"medium": 5, "other": 3}, EARS, both)
    assert isinstance(made, Grant)
    assert set(made.victims) == {"medium", "other"}


def test_what_was_refused_stays_so() -> None:
    no = Refusal("No", "no", "none", impossible=False)
    assert decided(no, box("small"), {"small": 50}) is no
