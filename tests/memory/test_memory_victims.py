"""Who gives way for a load, whom it waits for, and why neither helps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memory_box import GIB, ask, gib, gpu, host, on, resident

from ipc.snapshot import Pressure
from supervisor.memory.fleet import HOST, Resident
from supervisor.memory.leaving import cost
from supervisor.memory.placement import Placement, Refusal
from supervisor.memory.pressure import Thresholds
from supervisor.memory.victims import Plan, Wait, make_room, relief


def plan(answer: Plan | Wait | Refusal) -> Plan:
    assert isinstance(answer, Plan), answer
    return answer


def wait(answer: Plan | Wait | Refusal) -> Wait:
    assert isinstance(answer, Wait), answer
    return answer


def refusal(answer: Plan | Wait | Refusal) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def where(answer: Plan) -> list[str]:
    return list(on(answer.placement))


ONE = [gpu(0, 3)]


def test_nobody_leaves_where_there_is_room() -> None:
    idle = [resident("tts", {"GPU-0": 14})]
    assert make_room(ask(3), ONE, host(), idle) == Plan(
        Placement(plan(make_room(ask(3), ONE, host(), ())).placement.slices, 1, 0, True, "GPU 0, the only one"), ()
    )
    shown = [gpu(0, 3), gpu(1, 9, display=True)]
    assert plan(make_room(ask(8), shown, host(), idle)).victims == ()


def test_an_idle_engine_leaves_where_there_is_none() -> None:
    made = plan(make_room(ask(10), ONE, host(), [resident("tts", {"GPU-0": 14})]))
    assert (made.victims, on(made.placement), made.placement.words) == (
        ("tts",),
        {"GPU-0": 10 * GIB},
        "GPU 0, the only one",
    )


@pytest.mark.parametrize(
    ("first", "second", "leaves"),
    [
        (resident("a", {}, idle=100), resident("b", {}, idle=50), "a"),
        (resident("a", {}, idle=100, reload=40), resident("b", {}, idle=60, reload=20), "b"),
        (resident("a", {}, idle=100, priority=6), resident("b", {}, idle=60), "b"),
        (resident("a", {}, idle=130, priority=6), resident("b", {}, idle=60), "a"),
        (resident("a", {}, priority=1), resident("b", {}), "a"),
        (resident("a", {}, priority=9), resident("b", {}, priority=8), "b"),
        (resident("a", {}, idle=0, reload=0), resident("b", {}, idle=1), "a"),
    ],
)
def test_idle_time_reload_and_priority_say_who(first: Resident, second: Resident, leaves: str) -> None:
    both = [replace(one, held={"GPU-0": gib(10)}) for one in (first, second)]
    for residents in (both, both[::-1]):
        assert plan(make_room(ask(10), ONE, host(), residents)).victims == (leaves,)


def test_the_formula_of_the_cost() -> None:
    assert cost(resident("a", {}, idle=100, reload=20)) == 0.2
    assert cost(resident("a", {}, idle=100, reload=20, priority=7)) == 0.8
    assert cost(resident("a", {}, idle=0, reload=20, priority=4)) == 10.0


def test_only_who_is_needed_leaves_and_the_cheapest_set() -> None:
    residents = [
        resident("readiest", {"GPU-0": 1}, idle=9000),
        resident("ready", {"GPU-0": 4}, idle=500),
        resident("also", {"GPU-0": 4}, idle=500),
        resident("large", {"GPU-0": 9}, idle=300),
    ]
    assert plan(make_room(ask(4), ONE, host(), residents)).victims == ("readiest",)
    assert plan(make_room(ask(7), ONE, host(), residents)).victims == ("ready",)
    assert plan(make_room(ask(10), ONE, host(), residents)).victims == ("large",), "cheaper than two"
    assert plan(make_room(ask(13), ONE, host(), residents)).victims == ("readiest", "large")


def test_of_very_many_engines_none_leaves_in_vain() -> None:
    many = [resident(f"e{number:02}", {"GPU-0": 0.5}, idle=1000 - number) for number in range(20)]
    many.append(resident("elsewhere", {"GPU-1": 9}, idle=99999))
    made = plan(make_room(ask(5), ONE, host(), many))
    assert made.victims == ("e00", "e01", "e02", "e03")
    large = resident("large", {"GPU-0": 6}, idle=900)
    assert plan(make_room(ask(9), [gpu(0, 3)], host(), [*many, large])).victims == ("large",)


def test_of_very_many_engines_those_that_give_too_little_stay() -> None:
    residents = [resident(f"tiny{number}", {"GPU-0": 0.01}, idle=9000) for number in range(6)]
    residents += [resident("one", {"GPU-0": 6}, idle=500), resident("two", {"GPU-0": 6}, idle=100)]
    assert plan(make_room(ask(14), ONE, host(), residents)).victims == ("one", "two")
    residents += [resident("three", {"GPU-0": 6}, idle=50)]
    assert len(plan(make_room(ask(21.055), ONE, host(), residents)).victims) == 9


def test_the_gpu_whose_victims_cost_least() -> None:
    box = [gpu(0, 3), gpu(1, 3), gpu(2, 3, display=True)]
    residents = [
        resident("dear", {"GPU-0": 10}, reload=60),
        resident("cheap", {"GPU-1": 10}, reload=20),
        resident("shown", {"GPU-2": 10}, reload=1),
    ]
    made = plan(make_room(ask(10), box, host(), residents))
    assert (made.victims, where(made)) == (("cheap",), ["GPU-1"])
    assert made.placement.words == "GPU 1, where room costs least"
    made = plan(make_room(ask(10, to="0"), box, host(), residents))
    assert (made.victims, where(made), made.placement.words) == (("dear",), ["GPU-0"], "GPU 0, as told")
    made = plan(make_room(ask(10, to="0,2"), box, host(), residents))
    assert made.victims == ("dear",), "the display's GPU only where no other can be cleared"
    made = plan(make_room(ask(10, bound=("GPU-2",)), box, host(), residents))
    assert made.victims == ("shown",)
    residents[0] = replace(residents[0], busy=True)
    residents[1] = replace(residents[1], pinned=True)
    assert plan(make_room(ask(10), box, host(), residents)).victims == ("shown",)


def test_two_gpus_are_cleared_together_where_one_does_not_suffice() -> None:
    box = [gpu(0, 4), gpu(1, 20)]
    residents = [resident("a", {"GPU-0": 10}), resident("b", {"GPU-0": 6}, reload=60)]
    made = plan(make_room(ask(30, pieces=30, spread=2), box, host(), residents))
    assert (made.victims, where(made)) == (("a",), ["GPU-0", "GPU-1"])
    assert made.placement.words == "GPUs 0 and 1, because no single one has ~30.0 GiB free"


def test_an_engine_over_two_gpus_gives_back_on_both() -> None:
    box = [gpu(0, 4), gpu(1, 4)]
    made = plan(make_room(ask(24, pieces=24, spread=2), box, host(), [resident("wide", {"GPU-0": 10, "GPU-1": 10})]))
    assert made.victims == ("wide",)


@pytest.mark.parametrize(
    ("holder", "why"),
    [
        (resident("tts", {"GPU-0": 14.2}, busy=True), "is busy"),
        (resident("tts", {"GPU-0": 14.2}, wanted=True), "has work waiting"),
        (resident("tts", {"GPU-0": 14.2}, age=12), "was loaded 12 s ago and stays 30 s at least"),
    ],
)
def test_it_waits_for_who_cannot_leave_now(holder: Resident, why: str) -> None:
    box = [gpu(0, 3), gpu(1, 3.1)]
    holder = replace(holder, held={"GPU-1": gib(14.2)})
    waits = wait(make_room(ask(17, to="1"), box, host(), [holder]))
    assert waits.reason == f"GPU 1 has 3.1 GiB free, llm needs ~17.0 GiB; tts (14.2 GiB) {why}."
    assert waits.help == "Stop tts (14.2 GiB), or use smaller settings or `gpu = cpu`."
    waits = wait(make_room(ask(17, to="1"), [gpu(0, 18), *box[1:]], host(), [holder]))
    assert waits.help == "Stop tts (14.2 GiB), or set `gpu = 0`."


def test_it_waits_for_as_few_as_possible() -> None:
    residents = [
        resident("idle", {"GPU-0": 6}, reload=600),
        resident("one", {"GPU-0": 6}, busy=True),
        resident("two", {"GPU-0": 6}, busy=True, reload=60),
    ]
    waits = wait(make_room(ask(14), ONE, host(), residents))
    assert waits.reason.endswith("; one (6.0 GiB) is busy.")
    waits = wait(make_room(ask(20), ONE, host(), residents))
    assert waits.reason.endswith("; one (6.0 GiB) is busy and two (6.0 GiB) is busy.")


def test_an_idle_engine_leaves_rather_than_that_work_waits() -> None:
    residents = [resident("busy", {"GPU-0": 10}, busy=True), resident("idle", {"GPU-0": 10}, reload=6000, idle=1)]
    assert plan(make_room(ask(10), ONE, host(), residents)).victims == ("idle",)


def test_what_strangers_and_pinned_engines_hold_is_named() -> None:
    pinned = resident("voice", {"GPU-0": 4}, pinned=True)
    idle = resident("ear", {"GPU-0": 6})
    refused = refusal(make_room(ask(14), ONE, host(), [pinned, idle]))
    assert refused.reason == (
        "GPU 0 has 3.0 GiB free, llm needs ~14.0 GiB."
        " Of GPU 0, 11.0 GiB are in use by others or kept in reserve and voice, which is pinned, holds 4.0 GiB."
    )
    assert refused.help == "End other programs on GPU 0, or use smaller settings or `gpu = cpu`."
    assert not refused.impossible
    refused = refusal(make_room(ask(12), ONE, host(), [pinned, idle]))
    assert refused.help == "Unpin voice, or use smaller settings or `gpu = cpu`."
    refused = refusal(make_room(ask(12, to="0"), [*ONE, gpu(1, 13)], host(), [pinned, idle]))
    assert refused.help == "Unpin voice, or set `gpu = 1`."


def test_only_the_gpu_nearest_to_fitting_is_spoken_of() -> None:
    box = [gpu(0, 23, capability="6.1"), gpu(1, 3), gpu(2, 2), gpu(3, 0, 0), gpu(4, 23, silent="lost")]
    residents = [
        resident("llm", {"GPU-1": 2}),
        resident("voice", {"GPU-1": 4}, pinned=True),
        resident("far", {"GPU-2": 4}, pinned=True),
        resident("ear", {"GPU-1": 6}),
    ]
    refused = refusal(make_room(ask(14, least="7.0"), box, host(), residents))
    assert refused.reason.endswith(
        " Of GPU 1, 9.0 GiB are in use by others or kept in reserve and voice, which is pinned, holds 4.0 GiB."
    )


def test_where_nothing_is_held_nobody_is_named() -> None:
    refused = refusal(make_room(ask(3), [gpu(0, 24, residents=2, limit=2)], host(), []))
    assert refused.reason == "GPU 0 already has 2 of 2 engines."


def test_where_memory_is_not_the_matter_nobody_is_named() -> None:
    silent = refusal(
        make_room(ask(5), [gpu(0, 3, silent="lost")], host(), [resident("ear", {"GPU-0": 6}, pinned=True)])
    )
    assert silent.reason == "GPU 0 gives no readings (lost)."
    unknown = refusal(make_room(ask(5), [gpu(0, 0, 0)], host(), []))
    assert unknown.reason == "GPU 0 does not tell its memory."
    mig = refusal(make_room(ask(5, to="MIG-1"), [gpu(0, 3, mig=("MIG-1",), silent="lost")], host(), []))
    assert mig.reason.endswith("gives no readings (lost).")
    gone = refusal(make_room(ask(5, bound=("GPU-9",)), ONE, host(), [resident("ear", {"GPU-0": 6}, pinned=True)]))
    assert gone.title == "No such GPU"


def test_larger_than_the_gpu_is_impossible_whoever_leaves() -> None:
    assert refusal(make_room(ask(30), ONE, host(), [resident("tts", {"GPU-0": 14})])).impossible


def test_its_own_old_claim_is_no_victim() -> None:
    refusal(make_room(ask(10), ONE, host(), [resident("llm", {"GPU-0": 14})]))


# ── limits and pressure ───────────────────────────────────────────────────────────────────────────────────


def test_an_engine_leaves_where_there_are_as_many_as_may_be() -> None:
    full = [gpu(0, 20, residents=2, limit=2)]
    residents = [resident("a", {"GPU-0": 1}), resident("b", {"GPU-0": 1}, idle=900)]
    assert plan(make_room(ask(3), full, host(), residents)).victims == ("b",)
    pinned = [replace(one, pinned=True) for one in residents]
    refused = refusal(make_room(ask(3), full, host(), pinned))
    assert refused.reason.startswith("GPU 0 already has 2 of 2 engines. Of GPU 0, ")
    assert refused.help == "Unpin a and b, or use smaller settings or `gpu = cpu`."


def test_a_minimum_residency_ends_in_time() -> None:
    assert plan(make_room(ask(10), ONE, host(), [resident("tts", {"GPU-0": 14}, age=30)])).victims == ("tts",)


def test_critical_pressure_stays_where_nobody_leaves() -> None:
    tight = [gpu(0, 20, pressure="critical")]
    refusal(make_room(ask(3), tight, host(), [resident("tts", {"GPU-1": 14})]))
    refusal(make_room(ask(3, ram=1), [gpu(0, 20)], host(pressure="critical"), [resident("tts", {"GPU-0": 14})]))


def test_critical_pressure_ends_where_its_makers_leave() -> None:
    tight = [gpu(0, 1, pressure="critical")]
    made = plan(make_room(ask(0.5), tight, host(), [resident("tts", {"GPU-0": 14})]))
    assert made.victims == ("tts",)
    refused = refusal(make_room(ask(0.5), tight, host(), [resident("tts", {"GPU-0": 1})]))
    assert refused.reason.startswith("GPU 0 is under critical memory pressure.")
    assert "22.0 GiB are in use by others" in refused.reason
    wait(make_room(ask(0.5), tight, host(), [resident("tts", {"GPU-0": 14}, busy=True)]))


def test_engines_leave_for_their_part_of_the_hosts_memory() -> None:
    residents = [
        resident("far", {"GPU-1": 4, HOST: 6}, idle=100),
        resident("cpu", {HOST: 3}, idle=5000),
        resident("near", {"GPU-0": 4}, idle=9000),
    ]
    asked = ask(2, ram=8)
    made = plan(make_room(asked, ONE, host(free=3), residents))
    assert (made.victims, where(made)) == (("far",), ["GPU-0"])
    made = plan(make_room(ask(7, ram=8, to="cpu"), ONE, host(free=6), residents))
    assert (made.victims, made.placement.words) == (("cpu", "far"), "CPU, as told")
    made = plan(make_room(ask(6, ram=5), ONE, host(free=3), residents))
    assert made.victims == ("near", "cpu")


def test_an_engine_on_the_cpu_leaves_rather_than_that_a_busy_one_on_the_gpu_is_waited_for() -> None:
    residents = [resident("near", {"GPU-0": 4, HOST: 2}, busy=True), resident("cpu", {HOST: 2})]
    assert plan(make_room(ask(2, ram=4), ONE, host(free=3), residents)).victims == ("cpu",)


def test_the_hosts_pressure_and_who_makes_it() -> None:
    tight = host(free=4, pressure="critical")
    made = plan(make_room(ask(1, ram=1), ONE, tight, [resident("cpu", {HOST: 20})]))
    assert made.victims == ("cpu",)
    refused = refusal(make_room(ask(1, ram=1), ONE, tight, [resident("cpu", {HOST: 20}, pinned=True)]))
    assert refused.reason == (
        "llm needs ~1.0 GiB of memory, and the host is under critical memory pressure."
        " Of the host's memory, 40.0 GiB are in use by others or kept in reserve"
        " and cpu, which is pinned, holds 20.0 GiB."
    )
    assert refused.help == "Unpin cpu, or use smaller settings, or end other programs."
    waits = wait(make_room(ask(1, ram=1), ONE, tight, [resident("cpu", {HOST: 20}, wanted=True)]))
    assert waits.reason.endswith("; cpu (20.0 GiB) has work waiting.")


def test_nobody_leaves_for_a_load_that_would_then_go_to_the_cpu() -> None:
    closed = [gpu(0, 0.5, residents=1, limit=1)]
    refusal(make_room(ask(33, pieces=33, on_gpu=None), closed, host(), [resident("a", {"GPU-0": 0.1})]))
    opened = plan(make_room(ask(33, pieces=33, on_gpu=None), closed, host(), [resident("a", {"GPU-0": 4})]))
    assert (opened.victims, opened.placement.on_gpu) == (("a",), 4)


# ── relief ────────────────────────────────────────────────────────────────────────────────────────────────

FULL = (
    resident("idle", {"GPU-0": 4}, idle=100),
    resident("idler", {"GPU-0": 4}, idle=200),
    resident("busy", {"GPU-0": 4}, busy=True),
    resident("pinned", {"GPU-0": 4}, pinned=True),
    resident("wanted", {"GPU-0": 4}, wanted=True),
    resident("young", {"GPU-0": 4}, age=3),
    resident("elsewhere", {"GPU-1": 4, HOST: 2}),
)


@pytest.mark.parametrize(
    ("uuid", "pressure", "leave"),
    [
        ("GPU-0", "low", ()),
        ("GPU-0", "medium", ()),
        ("GPU-0", "high", ("idler",)),
        ("GPU-0", "critical", ("idler", "idle")),
        ("GPU-1", "high", ("elsewhere",)),
        (HOST, "critical", ("elsewhere",)),
        ("GPU-2", "critical", ()),
    ],
)
def test_pressure_unloads_one_idle_engine_or_all(uuid: str, pressure: Pressure, leave: tuple[str, ...]) -> None:
    assert relief(FULL, uuid, gib(24), pressure, Thresholds()) == leave


def test_one_engine_alone_on_a_full_card_is_a_normal_day() -> None:
    alone = [resident("whole", {"GPU-0": 22})]
    assert relief(alone, "GPU-0", gib(24), "critical", Thresholds()) == ()
    assert relief(alone, "GPU-0", gib(24), "high", Thresholds()) == ()
    most = [resident("most", {"GPU-0": 20}), resident("rest", {"GPU-0": 2}, idle=1)]
    assert relief(most, "GPU-0", gib(24), "high", Thresholds()) == ("rest",)
    assert relief(most, "GPU-0", gib(24), "critical", Thresholds()) == ("most", "rest")
    assert relief(most, "GPU-0", gib(24), "critical", Thresholds(critical=0.8)) == ("rest",)
