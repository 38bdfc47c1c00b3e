"""Settings change while it runs; when they do not work, what worked last comes back."""

from __future__ import annotations

import pytest
from machine_world import PROBLEM, Stage, engine, ready

from ipc.snapshot import Applies
from ipc.states import Draining, Failed, Loading, Ready, Stopped, Stopping
from supervisor.machine import effects as f
from supervisor.machine import events as e


def in_force(stage: Stage) -> list[tuple[object, tuple[int, ...]]]:
    return [(effect.settings.get("size"), effect.tickets) for effect in stage.told(f.SettingsInForce)]


def spawned_with(stage: Stage) -> list[object]:
    return [effect.settings.get("size") for effect in stage.told(f.Spawn)]


def refused(stage: Stage) -> list[tuple[object, tuple[int, ...]]]:
    return [(effect.settings.get("size"), effect.tickets) for effect in stage.told(f.SettingsRefused)]


def test_now_needs_no_drain() -> None:
    stage = ready().fly().apply("now", heat=1)
    assert stage.told(f.SendApply) == [f.SendApply({"size": 4, "heat": 1})]
    assert stage.state == Ready(1000, 7 * 2**20, 1)
    stage.hear(e.Applied(101.0))
    assert stage.told(f.SettingsInForce) == [f.SettingsInForce({"size": 4, "heat": 1}, (1,))]


@pytest.mark.parametrize("applies", ["flight", "context", "model"])
def test_the_rest_waits_for_the_flights(applies: Applies) -> None:
    stage = ready().fly().apply(applies, size=8)
    assert stage.state == Draining(1000, "apply", 1)
    assert not stage.told(f.SendApply)
    assert stage.land().told(f.SendApply) == [f.SendApply({"size": 8})]
    assert stage.state == Draining(1000, "apply", 0)
    assert stage.hear(e.Applied(101.0)).state == Ready(1000, 7 * 2**20, 0)
    assert in_force(stage) == [(8, (1,))]


def test_a_refused_change_leaves_what_worked() -> None:
    stage = ready().apply("model", size=8).hear(e.ApplyFailed(101.0, PROBLEM))
    assert refused(stage) == [(4, (1,))]
    assert isinstance(stage.state, Ready)
    assert spawned_with(stage.hear(e.WantRestart(101.0)).exit(0)) == [4]


@pytest.mark.parametrize("signal", [9, 11, None])
def test_a_death_while_applying_brings_back_what_worked_and_is_not_counted(signal: int | None) -> None:
    stage = ready(restarts=1).apply("model", size=8).exit(1, signal)
    assert refused(stage) == [(4, (1,))]
    assert spawned_with(stage) == [4]


def test_memory_while_applying_blames_the_change_and_steps_nowhere() -> None:
    stage = ready().apply("model", size=8).exit(signal=9, oom=True)
    assert not stage.told(f.StepDown)
    assert spawned_with(stage) == [4]


def test_a_hang_while_applying_brings_back_what_worked() -> None:
    stage = ready(stall_after=5.0, hang_after=60.0).apply("model", size=8)
    assert stage.due() == stage.at + 5.0
    assert stage.wait().told(f.DumpStacks)
    assert refused(stage.wait().exit(signal=9)) == [(4, (1,))]


def test_process_restarts_with_a_drain_and_is_in_force_once_ready() -> None:
    stage = ready().fly().apply("process", size=8)
    assert stage.state == Draining(1000, "restart", 1)
    assert isinstance(stage.land().state, Stopping)
    assert spawned_with(stage.exit(0)) == [8]
    assert not stage.told(f.SettingsInForce)
    assert in_force(stage.up()) == [(8, (1,))]


@pytest.mark.parametrize("way", ["crash", "memory", "permanent", "load", "oom load", "no spawn", "hang"])
def test_settings_that_do_not_survive_the_restart_are_taken_back(way: str) -> None:
    stage = ready(restarts=1).apply("process", size=8).exit(0)
    if way == "no spawn":
        stage.hear(e.SpawnFailed(stage.at, PROBLEM))
    else:
        stage.spawned()
        match way:
            case "crash":
                stage.exit(1)
            case "hang":
                stage.wait().wait()
                stage.exit(signal=9)
            case "memory":
                stage.greeted().exit(signal=9, oom=True)
            case _:
                stage.greeted().hear(e.LoadFailed(stage.at, PROBLEM, way == "oom load", way == "permanent"))
                assert isinstance(stage.state, Stopping)
    taken_back = refused(stage)
    if isinstance(stage.state, Stopping):
        stage.exit(0)
    assert taken_back == [(4, (1,))]
    if not stage.told(f.Spawn):
        stage.wait()
    assert spawned_with(stage) == [4]
    assert isinstance(stage.up().state, Ready)


def test_a_strangers_kill_takes_no_setting_back() -> None:
    stage = ready().apply("process", size=8).exit(0).spawned().exit(signal=9)
    assert not stage.told(f.SettingsRefused)
    assert spawned_with(stage) == [8]


def test_an_engine_that_is_not_loaded_takes_them_for_its_next_load() -> None:
    stage = Stage().apply("process", size=8)
    assert in_force(stage) == [(8, (1,))]
    assert stage.state == Stopped("never started")
    assert spawned_with(stage.want()) == [8]


def test_a_failed_engine_takes_them_too() -> None:
    stage = ready(restarts=1).exit(1)
    assert isinstance(stage.state, Failed)
    assert in_force(stage.apply("model", size=8)) == [(8, (1,))]


def test_the_operator_may_choose_what_ran_out_of_memory_but_nothing_else_goes_back_to_it() -> None:
    stage = ready().exit(signal=9, oom=True).apply("model", size=3)
    stage.spawned().greeted()
    assert stage.told(f.SendLoad) == [f.SendLoad({"size": 3})]
    stage.hear(e.LoadFailed(stage.at, PROBLEM, True, False))
    assert stage.told(f.SendLoad) == [f.SendLoad({"size": 1})]


def test_a_waiting_change_does_not_bring_back_what_has_just_run_out_of_memory() -> None:
    stage = Stage().want().spawned().greeted().apply("now", size=4).hear(e.LoadFailed(100.0, PROBLEM, True, False))
    assert refused(stage) == [(2, (1,))]
    assert stage.told(f.SendLoad) == [f.SendLoad({"size": 2})]


def test_a_dear_change_does_not_wait_for_a_load_that_it_makes_useless() -> None:
    stage = Stage().want().spawned().greeted().apply("model", size=8)
    assert stage.told(f.SendUnload)
    stage.hear(e.Unloaded(101.0, 0))
    assert stage.told(f.SendLoad) == [f.SendLoad({"size": 8})]
    assert isinstance(stage.state, Loading)


@pytest.mark.parametrize("applies", ["now", "flight"])
def test_a_cheap_change_waits_for_the_load(applies: Applies) -> None:
    stage = Stage().want().spawned().greeted().apply(applies, heat=1)
    assert isinstance(stage.state, Loading)
    assert stage.loaded().told(f.SendApply) == [f.SendApply({"size": 4, "heat": 1})]
    assert isinstance(stage.hear(e.Applied(101.0)).state, Ready)


def test_changes_that_wait_are_made_together_at_the_dearer_price() -> None:
    stage = ready().fly().apply("model", 1, size=8).apply("now", 2, heat=1)
    assert stage.land().told(f.SendApply) == [f.SendApply({"size": 8, "heat": 1})]
    assert in_force(stage.hear(e.Applied(101.0))) == [(8, (1, 2))]


def test_a_change_asked_for_while_another_is_made_comes_after_it() -> None:
    stage = ready().apply("model", 1, size=8).apply("model", 2, heat=1)
    assert not stage.told(f.SendApply)
    stage.hear(e.ApplyFailed(101.0, PROBLEM))
    assert refused(stage) == [(4, (1,))]
    assert stage.told(f.SendApply) == [f.SendApply({"size": 4, "heat": 1})]
    assert stage.hear(e.Applied(101.0)).told(f.SettingsInForce)[0].tickets == (2,)


def test_an_unload_waits_for_the_change_that_is_being_made() -> None:
    stage = ready().apply("context", size=8).hear(e.WantCold(101.0))
    assert stage.state == Draining(1000, "unload", 0)
    assert not stage.told(f.SendUnload)
    stage.hear(e.Applied(101.0))
    assert in_force(stage) == [(8, (1,))]
    assert stage.told(f.SendUnload)


def test_a_stop_does_not_wait_for_a_change() -> None:
    stage = ready().apply("model", size=8).stop()
    assert isinstance(stage.state, Stopping)
    assert refused(stage.exit(0)) == [(4, (1,))]


def test_a_stop_during_the_trial_keeps_the_settings_for_the_next_load() -> None:
    stage = ready().apply("process", size=8).exit(0).spawned().stop()
    assert in_force(stage) == [(8, (1,))]
    stage.exit(signal=15)
    assert spawned_with(stage.want()) == [8]


def test_limits_are_among_the_settings_and_act_at_once() -> None:
    stage = ready(hang_after=10.0).apply("now", hang_after=3.0).hear(e.Applied(100.0))
    assert stage.due() == stage.at + 3.0


def test_a_process_that_will_not_land_its_flights_is_replaced_to_take_the_change() -> None:
    stage = ready(drain_limit=0.0, stop_limit=1.0).fly(1, 2).apply("model", size=8)
    assert stage.told(f.CancelFlights)
    assert isinstance(stage.wait().state, Stopping)
    stage.exit(0)
    assert stage.told(f.LoseFlights)[0].verdict == "ours"
    assert spawned_with(stage) == [8]
    assert in_force(stage.up()) == [(8, (1,))]


def test_a_desk_takes_settings_at_once_unless_they_need_a_process() -> None:
    stage = Stage(engine("desk")).want().spawned().greeted()
    assert in_force(stage.apply("model", 1, size=8)) == [(8, (1,))]
    assert stage.apply("process", 2, size=9).told(f.SendLeave)
    assert in_force(stage.exit(0)) == [(9, (2,))]
