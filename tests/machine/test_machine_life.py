"""From wish to ready and back: the ordinary life of an engine and of a desk."""

from __future__ import annotations

import pytest
from machine_world import PROBLEM, Stage, engine, ready

from ipc.states import Backoff, Cold, Draining, Failed, Loading, Ready, Starting, Stopped, Stopping, pid_of
from supervisor.machine import effects as f
from supervisor.machine import events as e
from supervisor.machine.clock import deadline
from supervisor.machine.record import BeCold, BeReady, BeStopped


def test_a_wish_spawns_greets_loads_and_is_answered_once_ready() -> None:
    stage = Stage().want()
    assert stage.told(f.Spawn) == [f.Spawn({"size": 4})]
    assert stage.spawned().state == Starting(1000)
    stage.greeted()
    assert stage.state == Loading(1000, None)
    assert stage.told(f.SendLoad) == [f.SendLoad({"size": 4})]
    stage.hear(e.LoadProgressed(stage.at, 0.5))
    assert stage.state == Loading(1000, 0.5)
    assert "ready" not in stage.answers()
    assert stage.loaded().state == Ready(1000, 7 * 2**20, 0)
    assert stage.answers() == {"ready": None}
    assert stage.words() == ["engine-ready"]


def test_a_second_wish_spawns_no_second_process() -> None:
    stage = Stage().want()
    assert not stage.want("work").told(f.Spawn)
    stage.spawned()
    assert not stage.want().told(f.Spawn)


def test_a_wish_for_what_is_so_is_answered_at_once() -> None:
    assert ready().want("work").last == (f.Settled("ready", None),)


def test_units_in_the_air_are_counted_in_the_state_that_clients_see() -> None:
    stage = ready().fly(1, 4).fly(2)
    assert stage.state == Ready(1000, 7 * 2**20, 5)
    assert stage.hear(e.UnitEnded(stage.at, 1)).state == Ready(1000, 7 * 2**20, 4)
    assert stage.land(1).land(7).state == Ready(1000, 7 * 2**20, 1)


def test_a_flight_without_a_process_is_lost_at_once_and_nobody_is_blamed() -> None:
    assert Stage().fly(3, 2).told(f.LoseFlights) == [f.LoseFlights((3,), "ours", False, "there is no process", ())]


def test_stop_drains_asks_and_stays_stopped_against_work() -> None:
    stage = ready().fly().stop()
    assert stage.state == Draining(1000, "stop", 1)
    assert not stage.told(f.SendLeave)
    stage.land()
    assert stage.told(f.SendLeave)
    assert isinstance(stage.state, Stopping)
    assert stage.exit(0).state == Stopped("operator")
    assert stage.answers()["stopped"] is None
    assert stage.want("work").state == Stopped("operator")
    assert not stage.told(f.Spawn)
    refusal = stage.answers()["ready"]
    assert refusal is not None
    assert "operator" in refusal.detail
    assert stage.want("operator").told(f.Spawn)


def test_a_drain_beyond_its_limit_cancels_the_flights_then_takes_the_process() -> None:
    stage = ready(drain_limit=30.0, stop_limit=5.0).fly(1, 2).stop()
    stage.at = stage.due() - 0.1
    stage.hear(e.Beat(stage.at, 5), e.UnitEnded(stage.at, 1))
    for _ in range(3):
        stage.hear(e.Beat(stage.due(), stage.record.life.progress + 1))
        if stage.told(f.CancelFlights):
            break
    assert stage.told(f.CancelFlights) == [f.CancelFlights((1,))]
    stage.later(5.1).hear(e.Beat(stage.at, 90))
    assert isinstance(stage.state, Stopping)
    stage.exit(0)
    (lost,) = stage.told(f.LoseFlights)
    assert (lost.flights, lost.verdict, lost.alone) == ((1,), "ours", False)


def test_a_drain_limit_of_nothing_interrupts_at_once() -> None:
    stage = ready(drain_limit=0.0).fly().stop()
    assert stage.told(f.CancelFlights) == [f.CancelFlights((1,))]


def test_the_ladder_asks_then_terminates_then_kills_then_insists() -> None:
    stage = ready(stop_limit=2.0).stop()
    assert (stage.told(f.SendLeave), stage.due()) == ([f.SendLeave()], stage.at + 2.0)
    assert stage.wait().told(f.SendTerm) == [f.SendTerm()]
    assert stage.wait().told(f.SendKill) == [f.SendKill()]
    assert stage.state == Stopping(1000, "kill", "stop (operator)")
    assert stage.wait().told(f.SendKill) == [f.SendKill()]
    assert stage.told(f.Happen)[0].severity == "error"
    assert stage.due() == stage.at + 30.0
    assert stage.exit(signal=9).state == Stopped("operator")
    assert "SIGKILL" in stage.told(f.Happen)[0].text


def test_stop_during_a_load_cancels_it_and_asks() -> None:
    stage = Stage().want().spawned().greeted().stop()
    assert [type(effect) for effect in stage.last if not isinstance(effect, f.Happen | f.Settled)] == [
        f.SendUnload,
        f.SendLeave,
    ]
    assert stage.hear(e.Loaded(stage.at, 1)).state == Stopping(1000, "ask", "stop (operator)")
    assert stage.exit(0).state == Stopped("operator")


def test_stop_before_the_handshake_cannot_ask() -> None:
    stage = Stage().want().spawned().stop()
    assert stage.told(f.SendTerm)
    assert not stage.told(f.SendLeave)


def test_stop_between_a_spawn_and_its_process_takes_it_down_when_it_comes() -> None:
    stage = Stage().want().stop()
    assert stage.state == Stopped("never started")
    assert deadline(stage.record) is None
    stage.spawned()
    assert stage.told(f.SendTerm)
    assert stage.exit(signal=15).state == Stopped("operator")


def test_wanted_again_while_stopping_starts_another_after_the_exit() -> None:
    stage = ready().stop().want()
    assert isinstance(stage.state, Stopping)
    assert stage.answers()["stopped"] is not None
    stage.exit(0)
    assert stage.told(f.Spawn)
    assert stage.up().answers()["ready"] is None


def test_wanted_again_while_draining_flies_on() -> None:
    stage = ready().fly().stop().want()
    assert stage.state == Ready(1000, 7 * 2**20, 1)
    assert stage.land().state == Ready(1000, 7 * 2**20, 0)


def test_restart_drains_leaves_and_comes_back() -> None:
    stage = ready().fly().hear(e.WantRestart(101.0))
    assert stage.state == Draining(1000, "restart", 1)
    assert "ready" not in stage.answers()
    stage.land().exit(0)
    assert stage.told(f.Spawn)
    assert stage.up().answers() == {"ready": None}
    assert stage.record.attempt == 0


@pytest.mark.parametrize("state", ["stopped", "starting", "failed"])
def test_restart_from_anywhere_ends_ready(state: str) -> None:
    stage = Stage()
    if state == "starting":
        stage.want().spawned()
    if state == "failed":
        stage.want().up().hear(e.KillsEverything(stage.at, "it kills every unit")).exit(0)
        assert isinstance(stage.state, Failed)
    stage.hear(e.WantRestart(stage.at))
    if pid_of(stage.state) is not None:
        stage.exit(signal=15)
    assert stage.told(f.Spawn)
    assert isinstance(stage.up().state, Ready)


def test_unload_gives_the_model_back_and_keeps_the_process() -> None:
    stage = ready().fly().hear(e.WantCold(101.0))
    assert stage.state == Draining(1000, "unload", 1)
    assert not stage.told(f.SendUnload)
    assert stage.land().told(f.SendUnload)
    assert stage.hear(e.Unloaded(102.0, 5 * 2**20)).state == Cold(1000, 5 * 2**20)
    assert f.Settled("cold", None) in stage.last
    assert "5 MiB stay" in stage.told(f.Happen)[0].text
    assert stage.record.goal == BeCold()


def test_work_that_wants_an_engine_being_unloaded_gets_it_after_the_model_has_gone() -> None:
    stage = ready().fly().hear(e.WantCold(101.0)).want("work")
    assert stage.state == Draining(1000, "unload", 1)
    stage.land()
    stage.hear(e.Unloaded(102.0, 0))
    assert f.Settled("cold", None) in stage.last
    assert stage.told(f.SendLoad)
    assert stage.record.goal == BeReady()


def test_the_operator_takes_an_unload_back_before_it_was_sent() -> None:
    stage = ready().fly().hear(e.WantCold(101.0)).want("operator")
    assert stage.state == Ready(1000, 7 * 2**20, 1)
    assert stage.answers()["cold"] is not None


def test_an_unload_that_nobody_asked_for_is_stale() -> None:
    assert isinstance(ready().hear(e.Unloaded(101.0, 0)).state, Ready)


def test_unload_during_a_load_cancels_it() -> None:
    stage = Stage().want().spawned().greeted().hear(e.WantCold(101.0))
    assert stage.told(f.SendUnload)
    assert stage.hear(e.Loaded(101.0, 1)).state == Draining(1000, "unload", 0)
    assert stage.hear(e.Unloaded(102.0, 0)).state == Cold(1000, 0)


def test_unload_starts_no_process() -> None:
    stage = Stage().hear(e.WantCold(100.0))
    assert (stage.state, stage.last) == (Stopped("never started"), (f.Settled("cold", None),))
    stage = ready().exit(signal=9).hear(e.SpawnFailed(100.0, PROBLEM))
    assert isinstance(stage.state, Backoff)
    assert stage.hear(e.WantCold(100.0)).state == Stopped("evicted")
    assert stage.want("work").told(f.Spawn)


def test_an_evicted_engine_goes_before_work_gets_it_back() -> None:
    stage = ready().fly().hear(e.WantStopped(101.0, "evicted")).want("work")
    assert stage.state == Draining(1000, "restart", 1)
    stage.land().exit(0)
    assert stage.told(f.Spawn)


def test_nobody_but_the_operator_takes_back_the_operators_stop() -> None:
    stage = ready().stop().hear(e.WantStopped(101.0, "idle")).exit(0)
    assert stage.state == Stopped("operator")


@pytest.mark.parametrize("depth", ["exit", "model"])
def test_idleness_unloads_as_deep_as_the_policy_says(depth: str) -> None:
    stage = ready(unload_after=20.0, unload_depth=depth, hang_after=1000.0)
    stage.later(15.0).fly().later(1.0).land()
    assert stage.due() == stage.at + 20.0
    stage.wait()
    if depth == "exit":
        assert stage.told(f.SendLeave)
        assert stage.exit(0).state == Stopped("idle")
        assert stage.want("work").told(f.Spawn)
    else:
        assert stage.told(f.SendUnload)
        assert stage.hear(e.Unloaded(stage.at, 0)).state == Cold(1000, 0)
        assert stage.want("work").told(f.SendLoad)


def test_a_busy_engine_is_never_idle() -> None:
    stage = ready(unload_after=5.0, hang_after=1000.0, stall_after=500.0).fly()
    assert stage.due() == stage.at + 500.0


def test_a_desk_is_ready_when_its_process_is_up_and_never_loads() -> None:
    stage = Stage(engine("desk")).want("work").spawned().greeted()
    assert stage.state == Cold(1000, 0)
    assert stage.answers()["ready"] is None
    assert not any(isinstance(effect, f.SendLoad) for effect in stage.all)
    stage.hear(e.WantCold(100.0))
    assert stage.answers() == {"ready": None}


def test_a_desk_finishes_its_task_before_it_stops_and_takes_a_stop_back() -> None:
    stage = Stage(engine("desk")).want("work").spawned().greeted().fly().stop()
    assert stage.state == Draining(1000, "stop", 1)
    assert stage.want().state == Cold(1000, 0)
    assert isinstance(stage.stop().land().state, Stopping)
    assert stage.exit(0).state == Stopped("operator")


def test_a_flight_sent_before_the_handshake_delays_no_stop() -> None:
    stage = Stage().want().spawned().fly().stop()
    assert stage.told(f.SendTerm)
    assert stage.exit(signal=15).told(f.LoseFlights)[0].verdict == "ours"


def test_facts_without_a_process_change_nothing() -> None:
    record = engine()
    for fact in (
        e.Greeted(1.0),
        e.Beat(1.0, 4),
        e.Loaded(1.0, 5),
        e.Unloaded(1.0, 5),
        e.UnitEnded(1.0, 5),
        e.Exited(1.0, 1, None, False, ()),
        e.Spawned(1.0, 7),
        e.SpawnFailed(1.0, PROBLEM),
        e.LinkBroke(1.0, PROBLEM),
        e.Tick(1.0),
    ):
        stage = Stage(record).hear(fact)
        assert (stage.record, stage.last) == (record, ())
    assert record.goal == BeStopped("never started")
