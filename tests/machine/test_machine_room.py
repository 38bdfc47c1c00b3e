"""Room before work: what is asked of the ledger and when, what its answers bring about, what is given up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from machine_world import PROBLEM, Stage, engine

from ipc.errors import Problem
from ipc.states import Backoff, Cold, Failed, Loading, Ready, Stopped
from supervisor.machine import effects as f
from supervisor.machine import events as e
from supervisor.machine.record import Asked, By, Choice, Given, NoRoom


def rationed(**settings: float | str) -> Stage:
    return Stage(replace(engine("engine", **settings), rationed=True))


def asked(stage: Stage, settings: dict[str, int], by: By) -> f.AskRoom:
    """The latest ask, for these settings."""
    return f.AskRoom(stage.record.asks, settings, by)


def give(stage: Stage, *, elsewhere: bool = False, **chosen: int) -> Stage:
    choice = Choice(chosen, ({"size": 2}, {"size": 1}))
    return stage.hear(e.RoomGiven(stage.at, stage.record.asks, choice, elsewhere))


def refuse(stage: Stage, problem: Problem = PROBLEM) -> Stage:
    return stage.hear(e.RoomRefused(stage.at, stage.record.asks, problem))


def ready(**settings: float | str) -> Stage:
    return give(rationed(**settings).want()).up()


def test_it_asks_before_it_spawns_and_says_who_wants_it() -> None:
    stage = rationed().want("work")
    assert stage.told(f.AskRoom) == [asked(stage, {"size": 4}, "work")]
    assert not stage.told(f.Spawn)
    assert stage.state == Stopped("never started")
    give(stage, layers=3)
    assert stage.told(f.Spawn) == [f.Spawn({"size": 4, "layers": 3})]
    assert stage.up().state == Ready(1000, 7 * 2**20, 0)


def test_it_asks_once_however_often_it_is_wanted() -> None:
    stage = rationed().want().want().want("work")
    assert len([effect for effect in stage.all if isinstance(effect, f.AskRoom)]) == 1


def test_what_the_ledger_chose_goes_along_with_the_load_and_with_changes() -> None:
    stage = give(rationed().want(), layers=3).spawned().greeted()
    assert stage.told(f.SendLoad) == [f.SendLoad({"size": 4, "layers": 3})]
    stage.loaded().apply("now", tone=1)
    assert stage.told(f.SendApply) == [f.SendApply({"size": 4, "layers": 3, "tone": 1})]


def test_what_the_operator_sets_is_no_longer_chosen() -> None:
    stage = give(rationed().want(), layers=3).up().apply("now", layers=9)
    stage.hear(e.Applied(stage.at))
    assert stage.record.resolved == {"size": 4, "layers": 9}


def test_a_refusal_answers_who_waits_and_leaves_it_to_the_next_who_wants_it() -> None:
    stage = refuse(rationed().want())
    assert stage.state == Stopped("no room")
    assert stage.answers() == {"ready": PROBLEM}
    assert stage.words() == ["engine-held"]
    assert isinstance(stage.record.room, NoRoom)
    assert stage.want("work").told(f.AskRoom)


def test_work_that_asks_every_second_says_so_once_per_reason() -> None:
    stage = rationed().want("work")
    assert refuse(stage).words() == ["engine-held"]
    for _ in range(3):
        assert stage.later(1.0).want("work").words() == []
        assert refuse(stage).words() == []
    stage.want("work")
    assert refuse(stage, Problem("Other trouble", "another reason", "")).words() == ["engine-held"]
    stage.later(601.0).want("work")
    assert refuse(stage, Problem("Other trouble", "another reason", "")).words() == ["engine-held"]


def test_a_process_that_is_refused_stays_cold() -> None:
    stage = ready(unload_depth="model").hear(e.WantCold(100.0))
    stage.hear(e.Unloaded(stage.at, 0))
    assert stage.told(f.GiveUpRoom) == [f.GiveUpRoom()]
    refuse(stage.want("work"))
    assert stage.state == Cold(1000, 0)
    assert stage.answers()["ready"] == PROBLEM


def test_room_elsewhere_takes_another_process() -> None:
    stage = ready().hear(e.WantCold(100.0))
    stage.hear(e.Unloaded(stage.at, 0))
    give(stage.want(), elsewhere=True)
    assert not stage.told(f.SendLoad)
    stage.exit(0)
    assert stage.told(f.Spawn)
    assert not [effect for effect in stage.last if isinstance(effect, f.AskRoom | f.GiveUpRoom)]


def test_room_is_kept_over_a_restart_and_given_up_at_the_end() -> None:
    stage = ready().exit(signal=9)
    assert stage.told(f.Spawn)
    assert not stage.told(f.AskRoom)
    assert not stage.told(f.GiveUpRoom)
    stage.up().stop().exit(0)
    assert stage.state == Stopped("operator")
    assert stage.told(f.GiveUpRoom) == [f.GiveUpRoom()]


def test_a_restart_by_the_operator_asks_anew() -> None:
    stage = ready().hear(e.WantRestart(100.0))
    assert not stage.told(f.GiveUpRoom), "its process still holds memory"
    stage.exit(0)
    assert [type(effect) for effect in stage.last if isinstance(effect, f.GiveUpRoom | f.AskRoom)] == [
        f.GiveUpRoom,
        f.AskRoom,
    ]
    assert not stage.told(f.Spawn)


def test_a_failed_engine_keeps_no_room() -> None:
    stage = ready(restarts=1).exit(1)
    assert isinstance(stage.state, Failed)
    assert stage.told(f.GiveUpRoom)


def test_lost_room_is_asked_for_anew_while_it_waits_to_start_again() -> None:
    stage = ready()
    stage.hear(e.RoomLost(stage.at))
    assert isinstance(stage.record.room, Given), "a loaded model has to see for itself"
    stage.exit(1).spawned().exit(1)
    assert isinstance(stage.state, Backoff)
    stage.hear(e.RoomLost(stage.at))
    assert stage.told(f.GiveUpRoom) == [f.GiveUpRoom()]
    assert stage.wait().told(f.AskRoom) == [asked(stage, {"size": 4}, "operator")]


def test_an_answer_that_nobody_waits_for_is_none() -> None:
    stage = rationed().want().stop()
    assert stage.told(f.GiveUpRoom) == [f.GiveUpRoom()]
    assert give(stage).last == ()
    assert stage.state == Stopped("operator")


def test_an_answer_to_an_earlier_ask_is_none() -> None:
    stage = rationed().want()
    first = stage.record.asks
    stage.stop().want()
    stage.hear(e.RoomGiven(stage.at, first, Choice({}, ()), False))
    assert isinstance(stage.record.room, Asked)
    assert not stage.told(f.Spawn)
    assert refuse(stage).state == Stopped("no room")


def test_a_change_that_the_ledger_was_asked_about_brings_its_own_rungs() -> None:
    stage = ready().hear(e.WantApply(100.0, {"size": 1}, "context", 1, Choice({"layers": 2}, ())))
    assert stage.told(f.SendApply) == [f.SendApply({"size": 1, "layers": 2})]
    stage.hear(e.Applied(stage.at))
    assert stage.record.room == Given({"size": 1}, {"layers": 2}, ())
    assert not stage.exit(signal=9, oom=True).told(f.StepDown), "a step down never goes up"


def test_the_kernels_kill_for_memory_is_told_apart_from_the_gpus() -> None:
    assert ready().exit(signal=9, oom=True).told(f.StepDown)[0].host
    stage = ready().hear(e.DyingSaid(100.0, PROBLEM, True))
    assert not stage.exit(70).told(f.StepDown)[0].host


@pytest.mark.parametrize("how", ["load", "death"])
def test_out_of_memory_takes_the_first_rung_of_the_ledgers_ladder(how: str) -> None:
    stage = give(rationed(size=8).want(), layers=3).spawned().greeted()
    if how == "load":
        stage.hear(e.LoadFailed(stage.at, PROBLEM, True, False))
    else:
        stage.loaded().exit(signal=9, oom=True)
    (step,) = [effect for effect in stage.all if isinstance(effect, f.StepDown)]
    assert step == f.StepDown({"size": 2}, {"size": 8, "layers": 3}, {"size": 2}, how == "death")
    assert asked(stage, {"size": 2}, "operator") in stage.all, "other settings ask anew"


def test_settings_on_trial_that_find_no_room_are_taken_back() -> None:
    stage = ready().apply("process", size=16).exit(0)
    assert asked(stage, {"size": 16}, "operator") in stage.last
    refuse(stage)
    assert stage.told(f.SettingsRefused) == [f.SettingsRefused({"size": 4}, (1,), PROBLEM)]
    assert asked(stage, {"size": 4}, "operator") in stage.last
    assert give(stage).told(f.Spawn) == [f.Spawn({"size": 4})]


def test_loading_goes_on_while_the_ledger_is_asked_by_others() -> None:
    stage = give(rationed().want()).spawned().greeted()
    assert isinstance(stage.want("work").state, Loading)
    assert not stage.told(f.AskRoom)


NO_KERNEL = ("CUDA error: no kernel image is available for execution on the device",)


def test_a_gpu_that_its_library_was_not_built_for_is_given_back_by_name() -> None:
    stage = ready().exit(1, log=NO_KERNEL)
    assert stage.told(f.GiveUpRoom) == [f.GiveUpRoom(unsuited=True)]
    assert stage.told(f.AskRoom) == [asked(stage, {"size": 4}, "operator")]
    assert not stage.told(f.Spawn)
    (said,) = stage.told(f.Happen)
    assert "its library has no code for it (no kernel image)" in said.text


@pytest.mark.parametrize(
    "line",
    [
        "CUDA error: out of memory",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB: cudaMalloc failed: out of memory",
    ],
)
def test_a_crash_whose_log_speaks_of_gpu_memory_steps_down(line: str) -> None:
    stage = ready().exit(signal=6, log=("loading", line))
    assert stage.told(f.StepDown)
    assert not ready().exit(signal=6, log=("loading", "out of ideas")).told(f.StepDown)
    assert not ready().exit(signal=9, log=("loading", line)).told(f.StepDown), "killed from outside"


@pytest.mark.parametrize(("chosen", "step"), [(8, 4), (4, 2), (2, 1)])
def test_the_ladder_goes_on_below_what_the_ledger_chose(chosen: int, step: int) -> None:
    stage = rationed(size=0).want()
    rungs = ({"size": 4}, {"size": 2}, {"size": 1})
    stage.hear(e.RoomGiven(stage.at, stage.record.asks, Choice({"size": chosen}, rungs), False))
    stage.up().exit(signal=9, oom=True)
    (down,) = [effect for effect in stage.all if isinstance(effect, f.StepDown)]
    assert (down.settings, down.tried) == ({"size": step}, {"size": chosen})


def test_below_the_last_of_the_ledgers_rungs_the_kinds_own_ladder_goes_on() -> None:
    stage = rationed(size=0).want()
    stage.hear(e.RoomGiven(stage.at, stage.record.asks, Choice({"size": 2}, ({"size": 2},)), False))
    stage.up().exit(signal=9, oom=True)
    assert [effect.settings for effect in stage.all if isinstance(effect, f.StepDown)] == [{"size": 1}]
