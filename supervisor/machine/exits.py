"""What follows a death: who is blamed, what flies again, and whether and when the engine starts again."""

from __future__ import annotations

from dataclasses import replace

from ipc.errors import Problem
from ipc.states import Backoff, Failed, Stopped, Stopping, pid_of
from supervisor.machine import changes, fault, room, succession
from supervisor.machine.effects import LoseFlights, Verdict
from supervisor.machine.events import Exited
from supervisor.machine.record import BeStopped, Life, Record
from supervisor.machine.turn import Turn


def exited(turn: Turn, exit: Exited) -> None:  # noqa: A002 (the word of the domain)
    """The process is gone; nothing more comes of it."""
    before = turn.record
    if pid_of(before.state) is None:
        return
    lowest = not changes.step_below(before)
    verdict = fault.judge(before, exit)
    if verdict == "memory" and lowest and before.life.units > 1:
        verdict = "own"  # settings cannot help any more, so it has to be found out whose affair it is
    alone, how = fault.alone(before, verdict, lowest=lowest), fault.describe(before, exit)
    if before.life.flights:
        lost = tuple(flight.id for flight in before.life.flights)
        turn.do(LoseFlights(lost, verdict, alone, f"{before.name} {how}", exit.log_tail))
    if before.life.applying is not None:
        changes.refused(turn, before.life.applying, _problem(before, how))
    turn.life = Life()
    if fault.has_no_kernel(exit):
        room.drop(turn, unsuited=True)
    elif before.life.ask_again:
        room.drop(turn)
    if before.condemned:
        turn.record = replace(turn.record, condemned="")
        _fail(turn, before.condemned, exit.log_tail)
    elif isinstance(before.goal, BeStopped):
        turn.state = Stopped(before.goal.why)
        turn.happen("info", "engine-stopped", f"has stopped{_rung(before)}")
    elif verdict == "ours":
        turn.state = Backoff(before.attempt, turn.at, "restart")
        turn.happen("info", "engine-stopped", f"has stopped{_rung(before)} and starts again")
    else:
        _died(turn, before, verdict, how, alone, exit.log_tail, host=exit.oom_killed)


def _died(
    turn: Turn, before: Record, verdict: Verdict, how: str, alone: bool, log_tail: tuple[str, ...], *, host: bool
) -> None:
    """A death that nobody asked for. A change that it interrupted is to blame before anything else is."""
    if _healthy(before, turn.at):
        turn.record = replace(turn.record, attempt=0)
    if (
        succession.fell(turn, _problem(before, how), blameless=verdict in ("outside", "memory"))
        or verdict == "outside"
        or before.life.applying is not None
        or changes.revert(turn, _problem(before, how))
    ):
        _again(turn, how)
    elif verdict == "memory" and before.life.model:
        _lower(turn, how, alone, log_tail, host=host)
    elif alone:
        _again(turn, f"{how}, with one unit alone in flight")
    else:
        _count(turn, how, log_tail)


def spawn_failed(turn: Turn, problem: Problem) -> None:
    """No process could be made: counted like a death at start."""
    if not turn.record.spawning:
        return
    turn.record = replace(turn.record, spawning=False)
    how = f"could not be started: {problem}"
    if isinstance(turn.record.goal, BeStopped) or turn.record.condemned:
        turn.happen("warning", "engine-died", how)
    elif succession.fell(turn, problem, blameless=False) or changes.revert(turn, problem):
        _again(turn, how)
    else:
        _count(turn, how, ())


def _count(turn: Turn, how: str, log_tail: tuple[str, ...]) -> None:
    limits = turn.record.limits
    deaths = (*(death for death in turn.record.deaths if turn.at - death < limits.restarts_within), turn.at)
    turn.record = replace(turn.record, deaths=deaths)
    if len(deaths) < limits.restarts:
        _again(turn, f"{how} (death {len(deaths)} of {limits.restarts} within {limits.restarts_within:g} s)")
    else:
        often = f"{len(deaths)} deaths within {limits.restarts_within:g} s, the last: " if len(deaths) > 1 else ""
        _fail(turn, f"{often}{how}", log_tail)


def _lower(turn: Turn, how: str, alone: bool, log_tail: tuple[str, ...], *, host: bool) -> None:
    if changes.lower(turn, host=host):
        _again(turn, how)
    elif alone:
        _again(turn, f"{how}, with one unit alone in flight and settings that get no lower")
    else:
        _fail(turn, f"{how}, on the lowest rung of settings", log_tail)


def _again(turn: Turn, how: str) -> None:
    if isinstance(turn.record.goal, BeStopped):
        turn.state = Stopped(turn.record.goal.why)
        turn.happen("warning", "engine-died", how)
        return
    attempt = turn.record.attempt + 1
    wait = fault.delay(attempt)
    turn.record = replace(turn.record, attempt=attempt, restarts=turn.record.restarts + 1)
    turn.state = Backoff(attempt, turn.at + wait, how)
    turn.happen("warning", "engine-died", f"{how}; starts again {f'in {wait:g} s' if wait else 'at once'}")


def _fail(turn: Turn, cause: str, log_tail: tuple[str, ...]) -> None:
    turn.state = Failed(cause, log_tail)
    turn.happen("error", "engine-failed", f"has failed: {cause}")


def _healthy(record: Record, at: float) -> bool:
    ready_at = record.life.ready_at
    return ready_at is not None and at - ready_at >= fault.HEALTHY_AFTER


def _problem(record: Record, how: str) -> Problem:
    return Problem(
        "Change refused", f"{record.name} {how} while it took its new settings.", "The former ones are back."
    )


def _rung(record: Record) -> str:
    if isinstance(record.state, Stopping) and record.state.rung != "ask":
        return f", after SIG{record.state.rung.upper()}"
    return ""
