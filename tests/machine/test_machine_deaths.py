"""Whose fault a death is, and what follows from it."""

from __future__ import annotations

import signal

import pytest
from machine_world import PROBLEM, Stage, engine, ready

from ipc.states import Backoff, Failed, Loading, Ready, Stopped, Stopping
from supervisor.machine import effects as f
from supervisor.machine import events as e
from supervisor.machine.fault import delay

SEGV, KILL, TERM, USR1 = signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1


@pytest.mark.parametrize(
    ("code", "number", "oom", "verdict"),
    [
        (None, KILL, False, "outside"),
        (None, TERM, False, "outside"),
        (None, signal.SIGHUP, False, "outside"),
        (128 + TERM, None, False, "outside"),
        (128 + KILL, None, False, "outside"),
        (128 + SEGV, None, False, "own"),
        (None, SEGV, False, "own"),
        (None, signal.SIGABRT, False, "own"),
        (1, None, False, "own"),
        (0, None, False, "own"),
        (None, KILL, True, "memory"),
    ],
)
def test_the_exit_tells_whose_fault_it_is(code: int | None, number: int | None, oom: bool, verdict: str) -> None:
    stage = ready().fly(1, 2).exit(code, number, oom=oom)
    (lost,) = stage.told(f.LoseFlights)
    assert (lost.flights, lost.verdict, lost.alone) == ((1,), verdict, False)


def test_a_stranger_is_never_held_against_the_engine() -> None:
    stage = ready()
    for _ in range(20):
        stage.exit(signal=KILL)
        if not stage.told(f.Spawn):
            assert stage.wait().told(f.Spawn)
        stage.up()
    assert stage.record.deaths == ()
    assert stage.record.restarts == 20


def test_the_first_restart_is_immediate_and_later_ones_wait_longer() -> None:
    stage, waits = ready(), []
    for _ in range(5):
        stage.exit(signal=KILL)
        waits.append(0.0 if stage.told(f.Spawn) else stage.due() - stage.at)
        if waits[-1]:
            assert isinstance(stage.state, Backoff)
            assert not stage.hear(e.Tick(stage.due() - 0.01)).told(f.Spawn)
            stage.wait()
        stage.up()
    assert waits == [0.0, 0.25, 0.5, 1.0, 2.0]
    assert [delay(n) for n in (9, 10, 50, 5000)] == [30.0, 30.0, 30.0, 30.0]


def test_ten_seconds_of_being_ready_or_a_unit_make_the_next_restart_a_first_one() -> None:
    stage = ready().exit(signal=KILL).up()
    assert stage.later(9.9).exit(signal=KILL).due() == stage.at + 0.25
    stage.wait().up()
    assert stage.later(10.0).exit(signal=KILL).told(f.Spawn)
    stage.up().fly(1, 2).hear(e.UnitEnded(stage.at, 1))
    assert stage.exit(signal=KILL).told(f.Spawn)


def test_three_deaths_of_its_own_within_the_window_are_failed_with_the_log() -> None:
    stage = ready(restarts=3, restarts_within=60.0)
    for _ in range(2):
        stage.fly(1, 2).exit(1)
        assert isinstance(stage.state, Backoff)
        if not stage.told(f.Spawn):
            stage.wait()
        stage.up()
    stage.fly(1, 2).exit(1, log=("boom",))
    assert isinstance(stage.state, Failed)
    assert stage.state.log_tail == ("boom",)
    assert "3 deaths within 60 s" in stage.state.cause
    problem = stage.answers()["ready"]
    assert problem is not None
    assert "exited with code 1" in problem.detail
    assert not stage.want("work").told(f.Spawn)
    assert stage.answers()["ready"] == problem


def test_deaths_outside_the_window_are_forgotten() -> None:
    stage = ready(restarts=2, restarts_within=60.0)
    for _ in range(5):
        assert isinstance(stage.exit(1).state, Backoff)
        if not stage.told(f.Spawn):
            stage.wait()
        stage.up().later(60.0)


def test_the_operator_gives_a_failed_engine_a_clean_slate() -> None:
    stage = ready(restarts=1).exit(1)
    assert isinstance(stage.state, Failed)
    assert stage.want().told(f.Spawn)
    assert (stage.record.deaths, stage.record.attempt) == ((), 0)


def test_stopping_a_failed_engine_makes_it_stopped() -> None:
    assert ready(restarts=1).exit(1).stop().state == Stopped("operator")


def test_a_death_with_one_unit_alone_is_the_units_affair() -> None:
    stage = ready(restarts=1)
    for _ in range(3):
        stage.fly(9, 1).exit(signal=SEGV)
        (lost,) = stage.told(f.LoseFlights)
        assert (lost.verdict, lost.alone) == ("own", True)
        assert isinstance(stage.state, Backoff)
        if not stage.told(f.Spawn):
            stage.wait()
        stage.up()
    assert stage.record.deaths == ()


@pytest.mark.parametrize("flown", ["two flights", "the unit has ended", "a desk"])
def test_otherwise_the_death_is_the_engines(flown: str) -> None:
    match flown:
        case "two flights":
            stage = ready().fly(1).fly(2)
        case "the unit has ended":
            stage = ready().fly(1).hear(e.UnitEnded(100.0, 1))
        case _:
            stage = Stage(engine("desk")).want().spawned().greeted().fly(1)
    stage.exit(1)
    assert [lost.alone for lost in stage.told(f.LoseFlights)] == [False]
    assert len(stage.record.deaths) == 1


def test_the_book_can_condemn_an_engine_that_kills_everything() -> None:
    stage = ready().hear(e.KillsEverything(101.0, "three units in a row died"))
    assert stage.told(f.SendLeave)
    stage.exit(0, log=("last words",))
    assert stage.state == Failed("three units in a row died", ("last words",))
    stage = ready().exit(signal=KILL).hear(e.SpawnFailed(100.0, PROBLEM))
    assert isinstance(stage.hear(e.KillsEverything(101.0, "units")).state, Failed)


def test_a_condemned_engine_finishes_nothing() -> None:
    stage = ready().fly(1, 2).hear(e.KillsEverything(101.0, "three units in a row died"))
    assert stage.told(f.SendLeave)
    assert stage.exit(0).told(f.LoseFlights)[0].verdict == "ours"


def test_crashing_at_start_fails_after_the_limit_with_the_log() -> None:
    stage = Stage(engine(restarts=3)).want()
    for _ in range(3):
        if not stage.told(f.Spawn):
            stage.wait()
        stage.spawned().exit(1, log=("no such module",))
    assert isinstance(stage.state, Failed)
    assert stage.state.log_tail == ("no such module",)


def test_a_process_that_cannot_be_made_counts_like_a_crash_at_start() -> None:
    stage = Stage(engine(restarts=2)).want().hear(e.SpawnFailed(100.0, PROBLEM))
    assert isinstance(stage.state, Backoff)
    stage.hear(e.SpawnFailed(stage.at, PROBLEM))
    assert isinstance(stage.state, Failed)
    assert PROBLEM.detail in stage.state.cause


def test_a_load_that_can_never_work_fails_at_once_and_leaves_no_process() -> None:
    stage = Stage().want().spawned().greeted().hear(e.LoadFailed(100.0, PROBLEM, False, True))
    assert isinstance(stage.state, Stopping)
    assert stage.told(f.SendLeave)
    stage.exit(0)
    assert isinstance(stage.state, Failed)
    assert PROBLEM.detail in stage.state.cause
    assert stage.answers()["ready"] is not None


def test_the_operators_stop_comes_before_the_failure() -> None:
    stage = Stage().want().spawned().greeted().hear(e.LoadFailed(100.0, PROBLEM, False, True))
    assert stage.stop().exit(0).state == Stopped("operator")


def test_a_load_that_may_work_next_time_counts_to_the_window() -> None:
    stage = Stage(engine(restarts=2)).want()
    for expected in (Backoff, Failed):
        if not stage.told(f.Spawn):
            stage.wait()
        stage.spawned().greeted().hear(e.LoadFailed(stage.at, PROBLEM, False, False)).exit(0)
        assert isinstance(stage.state, expected)


def test_a_load_out_of_memory_steps_down_and_loads_again_in_the_same_process() -> None:
    stage = Stage().want().spawned().greeted()
    for size in (2, 1):
        stage.hear(e.LoadFailed(100.0, PROBLEM, True, False))
        assert stage.told(f.StepDown) == [f.StepDown({"size": size}, {"size": size * 2}, {"size": size})]
        assert stage.told(f.SendLoad) == [f.SendLoad({"size": size})]
        assert isinstance(stage.state, Loading)
    stage.hear(e.LoadFailed(100.0, PROBLEM, True, False)).exit(0)
    assert isinstance(stage.state, Failed)
    assert "lowest rung" in stage.state.cause


@pytest.mark.parametrize("said", [True, False])
def test_a_death_for_memory_steps_down_and_blames_no_unit(said: bool) -> None:
    stage = ready().fly(1, 1)
    if said:
        stage.hear(e.DyingSaid(100.0, PROBLEM, True))
        assert isinstance(stage.state, Stopping)
        stage.exit(70)
    else:
        stage.exit(signal=KILL, oom=True)
    assert stage.told(f.StepDown) == [f.StepDown({"size": 2}, {"size": 4}, {"size": 2}, host=not said)]
    assert [(lost.verdict, lost.alone) for lost in stage.told(f.LoseFlights)] == [("memory", False)]
    assert stage.told(f.Spawn) == [f.Spawn({"size": 2})]
    assert stage.record.deaths == ()


def test_memory_on_the_lowest_rung_is_failed() -> None:
    stage = ready(size=1).exit(signal=KILL, oom=True)
    assert isinstance(stage.state, Failed)


def test_memory_on_the_lowest_rung_with_several_units_aloft_makes_them_suspects_and_the_engine_lives() -> None:
    stage = ready(size=1).fly(1, 1).fly(2, 1).exit(signal=KILL, oom=True)
    assert [(lost.flights, lost.verdict, lost.alone) for lost in stage.told(f.LoseFlights)] == [((1, 2), "own", False)]
    assert isinstance(stage.state, Backoff)
    assert len(stage.record.deaths) == 1


def test_a_process_with_no_model_has_nothing_to_step_down() -> None:
    starting = Stage().want().spawned()
    cold = ready().hear(e.WantCold(100.0), e.Unloaded(100.0, 0))
    for stage in (starting, cold):
        stage.exit(signal=KILL, oom=True)
        assert not stage.told(f.StepDown)
        assert len(stage.record.deaths) == 1


def test_last_words_are_the_cause() -> None:
    stage = ready().hear(e.DyingSaid(100.0, PROBLEM, False)).exit(1)
    assert isinstance(stage.state, Backoff)
    assert PROBLEM.detail in stage.state.cause


def test_a_dying_process_that_stays_is_terminated() -> None:
    stage = ready().fly().hear(e.DyingSaid(100.0, PROBLEM, False))
    assert stage.wait().told(f.SendTerm)
    assert stage.exit(signal=TERM).told(f.LoseFlights)[0].verdict == "own"


def test_a_link_that_ends_just_before_a_strangers_kill_is_still_a_strangers_kill() -> None:
    stage = ready().fly(1, 2).hear(e.LinkBroke(100.0, PROBLEM))
    assert isinstance(stage.state, Stopping)
    stage.exit(signal=KILL)
    assert stage.told(f.LoseFlights)[0].verdict == "outside"
    assert stage.told(f.Spawn)


def test_a_process_that_outlives_its_link_is_terminated_by_its_own_fault() -> None:
    stage = ready().hear(e.LinkBroke(100.0, PROBLEM))
    assert stage.wait().told(f.SendTerm)
    assert isinstance(stage.exit(0).state, Backoff)
    assert len(stage.record.deaths) == 1


def test_a_death_on_the_way_to_the_operators_stop_is_just_the_stop() -> None:
    stage = ready().fly(1, 2).stop().exit(signal=SEGV)
    assert stage.state == Stopped("operator")
    assert stage.told(f.LoseFlights)[0].verdict == "own"


def test_a_cold_engine_that_dies_comes_back_when_it_is_wanted() -> None:
    stage = ready().hear(e.WantCold(100.0), e.Unloaded(100.0, 0)).exit(signal=KILL)
    assert not stage.told(f.Spawn)
    assert stage.state == Stopped("evicted")
    assert stage.want("work").told(f.Spawn)


# ── hangs ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_heartbeat_dumps_the_stacks_then_kills_and_is_its_own_fault() -> None:
    stage = ready(hang_after=10.0).fly(1, 2)
    stage.later(4.0).hear(e.Beat(stage.at, 1))
    assert stage.due() == stage.at + 10.0
    assert stage.wait().told(f.DumpStacks)
    assert stage.words() == ["engine-hung"]
    assert not stage.told(f.SendKill)
    assert stage.due() == stage.at + 1.0
    assert stage.wait().told(f.SendKill)
    stage.exit(signal=KILL, log=("stack",))
    (lost,) = stage.told(f.LoseFlights)
    assert (lost.verdict, lost.log_tail) == ("own", ("stack",))
    assert len(stage.record.deaths) == 1


def test_a_hung_process_that_the_dump_itself_ends_is_its_own_fault() -> None:
    assert ready().wait().exit(signal=USR1).record.deaths != ()


def test_beats_without_progress_are_a_stall_only_while_busy() -> None:
    stage = ready(hang_after=10.0, stall_after=30.0)
    for _ in range(20):
        stage.later(5.0).hear(e.Beat(stage.at, 1))
    assert isinstance(stage.state, Ready)
    stage.fly()
    began = stage.at
    while not stage.told(f.DumpStacks):
        assert stage.at < began + 40.0
        at = min(stage.due(), stage.at + 5.0)
        stage.hear(e.Tick(at) if at == stage.due() else e.Beat(at, 1))
    assert stage.at == began + 30.0


def test_progress_moves_the_deadline_of_a_load() -> None:
    stage = Stage(engine(stall_after=30.0, hang_after=40.0)).want().spawned().greeted()
    stage.later(29.0).hear(e.LoadProgressed(stage.at, 0.1))
    assert stage.due() == stage.at + 30.0
    assert stage.wait().told(f.DumpStacks)


def test_silence_before_the_handshake_is_a_hang_too() -> None:
    stage = Stage(engine(start_limit=7.0)).want().spawned()
    assert stage.due() == stage.at + 7.0
    assert stage.wait().told(f.DumpStacks)
    assert stage.wait().told(f.SendKill)
    assert len(stage.exit(signal=KILL).record.deaths) == 1


def test_a_tick_that_comes_late_says_that_the_supervisor_slept() -> None:
    stage = ready(hang_after=10.0)
    stage.hear(e.Tick(stage.due() + 60.0))
    assert isinstance(stage.state, Ready)
    assert stage.due() == stage.at + 10.0
    assert stage.wait().told(f.DumpStacks)
