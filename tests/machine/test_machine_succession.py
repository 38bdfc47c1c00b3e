"""An heir loads beside the process at work: it takes its place, or goes, and the one at work flies on either way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from machine_world import PROBLEM, Stage, engine, ready

from ipc.snapshot import Scalar
from ipc.states import Backoff, Draining, Failed, Ready, Stopped, Stopping
from supervisor.machine import effects as f
from supervisor.machine import events as e
from supervisor.machine.record import Asked, Choice, Given, NoRoom, Record
from supervisor.machine.succession import fate, hand_over, is_due, is_gone, new_heir, progress


def in_force(stage: Stage) -> list[tuple[object, tuple[int, ...]]]:
    return [(effect.settings.get("size"), effect.tickets) for effect in stage.told(f.SettingsInForce)]


def refused(stage: Stage) -> list[tuple[object, tuple[int, ...]]]:
    return [(effect.settings.get("size"), effect.tickets) for effect in stage.told(f.SettingsRefused)]


def heir(stage: Stage) -> Stage:
    """Of what the stage asked to load beside it, wanted as the runner wants it."""
    (wanted,) = stage.told(f.LoadBeside)
    return Stage(new_heir(stage.record, "writer's successor", wanted.settings), at=stage.at, pid=5000).want()


def rationed(**settings: Scalar) -> Stage:
    """A ready engine with the ledger's leave."""
    record = ready(**settings).record
    return Stage(replace(record, rationed=True, room=Given(record.settings, {}, ())))


# ── the one at work ───────────────────────────────────────────────────────────────────────────────────────


def test_a_change_that_fits_beside_loads_there_and_nothing_is_drained() -> None:
    stage = ready(heat=1).fly().beside(size=8)
    assert stage.told(f.LoadBeside) == [f.LoadBeside({"size": 8, "heat": 1})]
    assert stage.words() == ["successor-loading"]
    assert stage.state == Ready(1000, 7 * 2**20, 1)
    assert stage.fly(2).state == Ready(1000, 7 * 2**20, 2)
    assert not in_force(stage)
    assert stage.record.settings["size"] == 4


def test_settings_that_do_not_work_are_refused_and_the_process_stays() -> None:
    stage = ready().fly().beside(size=8).hear(e.HeirLost(101.0, PROBLEM, PROBLEM.detail))
    assert refused(stage) == [(4, (1,))]
    assert stage.state == Ready(1000, 7 * 2**20, 1)
    assert stage.record.heir is None
    assert "successor-given-up" in stage.words()


def test_an_heir_whose_memory_is_wanted_leaves_the_change_to_the_usual_way() -> None:
    stage = ready().fly().beside(size=8).hear(e.HeirLost(101.0, None, "its memory is wanted"))
    assert not refused(stage)
    assert stage.state == Draining(1000, "restart", 1)
    stage.land().exit(0)
    assert [spawn.settings["size"] for spawn in stage.told(f.Spawn)] == [8]
    assert in_force(stage.up()) == [(8, (1,))]


def test_a_stop_gives_the_heir_up_and_keeps_the_settings_for_the_next_load() -> None:
    stage = ready().beside(size=8).stop()
    assert stage.told(f.GiveUpHeir)
    assert in_force(stage.exit(0)) == [(8, (1,))]
    assert stage.state == Stopped("operator")
    assert not stage.hear(e.HeirLost(stage.at, None, "late")).told(f.Spawn)


@pytest.mark.parametrize("wish", ["evicted", "cold", "idle"])
def test_so_does_whatever_takes_the_model_away(wish: str) -> None:
    stage = ready(unload_after=9.0).beside(size=8)
    match wish:
        case "evicted":
            stage.hear(e.WantStopped(stage.at, "evicted"))
        case "cold":
            stage.hear(e.WantCold(stage.at))
        case _:
            stage.hear(e.Beat(108.0, 1), e.Tick(109.0))
    assert stage.told(f.GiveUpHeir)
    assert in_force(stage.exit(0)) == [(8, (1,))]
    assert isinstance(stage.state, Stopped)


def test_a_restart_takes_the_new_settings_along() -> None:
    stage = ready().fly().beside(size=8).hear(e.WantRestart(100.0))
    assert stage.told(f.GiveUpHeir)
    assert stage.state == Draining(1000, "restart", 1)
    stage.land().exit(0)
    assert [spawn.settings["size"] for spawn in stage.told(f.Spawn)] == [8]
    assert in_force(stage.up()) == [(8, (1,))]


def test_a_death_beside_an_heir_is_a_death_like_any_other() -> None:
    stage = ready().fly().beside(size=8).exit(signal=11)
    assert [lost.flights for lost in stage.told(f.LoseFlights)] == [(1,)]
    assert not stage.told(f.GiveUpHeir)
    assert [spawn.settings["size"] for spawn in stage.told(f.Spawn)] == [4]


def test_an_engine_that_fails_meanwhile_waits_for_its_heir() -> None:
    stage = ready(restarts=1).beside(size=8).exit(1)
    assert isinstance(stage.state, Failed)
    assert not stage.told(f.GiveUpHeir)


@pytest.mark.parametrize("death", ["memory", "no kernel", "lost GPU"])
def test_an_engine_that_has_to_find_room_anew_gives_its_heir_up(death: str) -> None:
    stage = rationed().fly(1, 2).beside(7, size=8, heat=1)
    match death:
        case "memory":
            stage.exit(signal=9, oom=True)
        case "no kernel":
            stage.exit(1, log=("no kernel image is available for execution",))
        case _:
            stage.exit(1).spawned().exit(1)
            assert not stage.told(f.GiveUpHeir)
            stage.hear(e.RoomLost(stage.at))
    assert stage.told(f.GiveUpHeir)
    assert stage.record.heir is None
    if death == "lost GPU":
        stage.wait()
    (asked,) = stage.told(f.AskRoom)
    assert asked.settings == {"size": 8, "heat": 1}
    stage.hear(e.RoomGiven(stage.at, asked.number, Choice({}, ()), False)).up()
    assert isinstance(stage.state, Ready)


def test_settings_that_ran_out_of_memory_do_not_come_back_with_the_heir() -> None:
    stage = rationed().fly(1, 2).beside(7, heat=1).exit(signal=9, oom=True)
    (asked,) = stage.told(f.AskRoom)
    assert asked.settings == {"size": 2, "heat": 1}
    assert in_force(stage) == [(2, (7,))]


def test_an_engine_that_fails_keeps_its_heir_though_it_gives_its_room_up() -> None:
    stage = rationed(restarts=1).beside(size=8).exit(1)
    assert isinstance(stage.state, Failed)
    assert stage.told(f.GiveUpRoom)
    assert not stage.told(f.GiveUpHeir)


@pytest.mark.parametrize("state", ["stopped", "loading", "backoff", "draining"])
def test_an_engine_that_is_not_at_work_has_no_heir(state: str) -> None:
    match state:
        case "stopped":
            stage = Stage()
        case "loading":
            stage = Stage().want().spawned().greeted()
        case "backoff":
            stage = ready().exit(1).spawned().exit(1)
            assert isinstance(stage.state, Backoff)
        case _:
            stage = ready().fly()
            stage.hear(e.WantCold(stage.at))
    assert not stage.beside(size=8).told(f.LoadBeside)
    assert stage.record.heir is None


# ── the heir ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["crash", "stranger", "memory", "load", "oom load", "permanent", "no spawn", "hang"])
def test_an_heir_has_one_try(way: str) -> None:
    one = heir(ready().beside(size=8))
    if way == "no spawn":
        one.hear(e.SpawnFailed(one.at, PROBLEM))
    else:
        one.spawned()
        match way:
            case "crash":
                one.exit(1)
            case "stranger":
                one.greeted().exit(signal=9)
            case "memory":
                one.greeted().exit(signal=9, oom=True)
            case "hang":
                one.wait().wait()
                one.exit(signal=9)
            case _:
                one.greeted().hear(e.LoadFailed(one.at, PROBLEM, way == "oom load", way == "permanent"))
                assert isinstance(one.state, Stopping)
                one.exit(0)
    assert is_gone(one.record)
    assert not [effect for effect in one.last if isinstance(effect, f.Spawn | f.StepDown)]
    problem, why = fate(one.record)
    assert (problem is None) == (way in ("stranger", "memory", "oom load")), "only its settings' own failure refuses"
    assert why == (one.record.refusal or PROBLEM).detail


def test_an_heir_that_the_ledger_has_no_room_for_has_nothing_wrong_with_it() -> None:
    stage = rationed().beside(size=8)
    one = heir(stage)
    assert isinstance(one.record.room, Asked)
    one.hear(e.RoomRefused(one.at, one.record.asks, PROBLEM))
    assert is_gone(one.record)
    assert fate(one.record) == (None, f"there is no room beside it any more: {PROBLEM.detail}")


def test_an_heir_that_must_make_room_goes_at_once() -> None:
    one = heir(ready().beside(size=8)).spawned().greeted().hear(e.WantStopped(100.0, "evicted"))
    assert one.told(f.SendUnload)
    assert is_gone(one.exit(0).record)
    assert fate(one.record) == (None, "its memory is wanted")


def test_nothing_is_gone_while_it_holds_a_process_or_room() -> None:
    one = heir(rationed().beside(size=8))
    assert not is_gone(one.record)
    one.hear(e.RoomGiven(one.at, one.record.asks, Choice({}, ()), False)).spawned()
    assert not is_gone(one.hear(e.WantStopped(one.at, "replaced")).record)
    assert is_gone(one.exit(signal=15).record)


def test_an_heir_that_is_ready_does_not_idle_away() -> None:
    one = heir(ready(unload_after=5.0).beside(size=8)).up()
    assert one.hear(e.Beat(104.0, 1), e.Tick(105.0)).state == Ready(5000, 7 * 2**20, 0)


def test_its_progress_is_told_in_words() -> None:
    one = heir(ready().beside(size=8))
    assert progress(one.record) == ""
    assert progress(one.spawned().record) == "starting"
    assert progress(one.greeted().hear(e.LoadProgressed(one.at, 0.62)).record) == "62 %"
    assert progress(one.loaded().record) == "ready"


# ── from one to the other ─────────────────────────────────────────────────────────────────────────────────


def handed(stage: Stage, one: Stage) -> tuple[Stage, Stage, list[f.Effect]]:
    """The engine and its former process, after it was told to leave."""
    record, leaving, effects = hand_over(stage.record, one.record, "writer's former process")
    former = Stage(leaving, at=stage.at).hear(e.WantStopped(stage.at, "replaced"))
    return Stage(record, at=stage.at, pid=6000), former, list(effects)


def test_the_heir_takes_over_once_it_is_ready_and_the_former_process_finishes_what_it_flies() -> None:
    stage = ready().fly(1, 2).beside(7, size=8)
    one = heir(stage).spawned().greeted()
    assert not is_due(stage.record, one.record, stage.at)
    assert is_due(stage.record, one.loaded().record, stage.at)
    after, former, effects = handed(stage, one)
    assert effects == [
        f.SettingsInForce({"size": 8}, (7,)),
        f.Happen("info", "handed-over", "writer works with size = 8; the former process finishes 2 units"),
    ]
    assert (after.record.name, after.record.role, after.record.heir) == ("writer", "engine", None)
    assert after.state == Ready(5000, 7 * 2**20, 0)
    assert after.record.settings == after.record.proven == {"size": 8}
    assert after.fly(9).state == Ready(5000, 7 * 2**20, 1)
    assert former.state == Draining(1000, "stop", 2)
    assert former.land(1).told(f.SendLeave)
    assert is_gone(former.exit(0).record)


def test_a_former_process_that_dies_loses_only_its_own_flights() -> None:
    stage = ready().fly(1).beside(size=8)
    _, former, _ = handed(stage, heir(stage).up())
    former.exit(signal=11)
    assert [lost.flights for lost in former.told(f.LoseFlights)] == [(1,)]
    assert not former.told(f.Spawn)
    assert is_gone(former.record)


@pytest.mark.parametrize("restarts", [1, 3])
def test_the_heir_of_an_engine_that_died_takes_over_all_the_same(restarts: int) -> None:
    stage = ready(restarts=restarts).beside(size=8)
    one = heir(stage).up()
    stage.exit(1)
    assert is_due(stage.record, one.record, stage.at)
    if restarts == 3:
        stage.spawned()  # it starts again meanwhile
    after, former, _ = handed(stage, one)
    assert isinstance(after.state, Ready)
    assert after.record.restarts == stage.record.restarts
    if restarts == 3:
        former.exit(signal=15)
    assert is_gone(former.record)


def test_what_the_former_process_asked_of_the_ledger_is_forgotten() -> None:
    stage = ready().beside(size=8)
    one = heir(stage).up()
    _, former, _ = handed(Stage(replace(stage.exit(1).record, room=Asked({}, 1))), one)
    assert isinstance(former.record.room, NoRoom)


def test_what_is_deterministic_lands_first_but_not_for_ever() -> None:
    stage = ready(deterministic=True, drain_limit=30.0).fly().beside(size=8)
    one = heir(stage).up()
    assert not is_due(stage.record, one.record, stage.at)
    assert is_due(stage.record, one.record, stage.at + 30.0)
    assert is_due(stage.land().record, one.record, stage.at)


def test_what_is_set_meanwhile_is_in_force_at_once_and_in_the_heir_before_it_takes_over() -> None:
    stage = ready(heat=1).fly().beside(7, size=8)
    one = heir(stage).spawned().greeted()
    both = e.WantApply(stage.at, {"heat": 2}, "now", 8)
    one.hear(both)
    assert stage.hear(both).hear(e.Applied(stage.at)).told(f.SettingsInForce)[-1].tickets == (8,)
    assert stage.record.heir is not None, "the other change goes on"
    one.loaded()
    assert one.told(f.SendApply)[-1].settings == {"size": 8, "heat": 2}
    assert not is_due(stage.record, one.record, stage.at)
    assert is_due(stage.record, one.hear(e.Applied(stage.at)).record, stage.at)
    after, _, effects = handed(stage, one)
    assert effects[0] == f.SettingsInForce({"size": 8, "heat": 2}, (7,))
    assert after.record.settings == {"size": 8, "heat": 2}


def test_what_the_process_at_work_has_not_taken_yet_is_in_force_with_its_heir() -> None:
    stage = ready(heat=1).beside(7, size=8)
    one = heir(stage).up()
    for ticket in (8, 9):
        both = e.WantApply(stage.at, {"heat": ticket}, "now", ticket)
        stage.hear(both)
        one.hear(both).hear(e.Applied(stage.at))
    assert stage.record.life.applying is not None
    assert stage.record.change is not None
    after, former, effects = handed(stage, one)
    assert effects[0] == f.SettingsInForce({"size": 8, "heat": 9}, (7, 9, 8))
    assert after.record.change is None
    former.hear(e.Applied(stage.at))
    assert [told.tickets for told in former.told(f.SettingsInForce)] == [()]


def test_an_heir_that_fails_takes_nothing_along_of_what_was_set_meanwhile() -> None:
    stage = ready(heat=1).beside(7, size=8).hear(e.WantApply(100.0, {"heat": 2}, "now", 8))
    stage.hear(e.HeirLost(101.0, PROBLEM, PROBLEM.detail))
    assert refused(stage) == [(4, (7,))]
    stage.hear(e.Applied(102.0))
    assert stage.told(f.SettingsInForce)[-1] == f.SettingsInForce({"size": 4, "heat": 2}, (8,))


def test_without_an_heir_nobody_takes_over() -> None:
    plain: Record = engine()
    assert not is_due(plain, ready().record, 100.0)
