"""Settings that change: sent to a loaded model, or adopted over a reload; what worked last comes back on failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engines.settings import ORDER
from ipc.errors import Problem
from ipc.states import Failed
from supervisor.machine.effects import SendApply, SettingsInForce, SettingsRefused, StepDown
from supervisor.machine.record import BeReady, Change, Given, Record, Room, Settings
from supervisor.machine.turn import Turn

_RAN_OUT: Final = Problem("Out of memory", "These very settings have just run out of memory.", "Ask for less.")


def ask(turn: Turn, change: Change) -> None:
    """Note a change; one that already waits is made together with it, at the dearer price and beside nothing."""
    waiting = turn.record.change
    if waiting is not None:
        change = Change(
            {**waiting.changes, **change.changes},
            max(waiting.applies, change.applies, key=ORDER.index),
            waiting.tickets + change.tickets,
            change.choice if change.choice is not None else waiting.choice,
        )
    turn.record = replace(turn.record, change=change)


def send(turn: Turn, change: Change, *, busy: bool) -> None:
    """Send the waiting change to the loaded model."""
    turn.record = replace(turn.record, change=None)
    turn.life = replace(turn.life, applying=change, moved=turn.life.moved if busy else turn.at)
    settings = {**turn.record.settings, **change.changes}
    turn.do(SendApply({**settings, **_chosen(turn.record.room, change)}))


def applied(turn: Turn, change: Change) -> None:
    """The model works with the change."""
    settings = {**turn.record.settings, **change.changes}
    turn.life = replace(turn.life, applying=None)
    room = turn.record.room
    if isinstance(room, Given):
        rungs = room.rungs if change.choice is None else change.choice.rungs
        room = Given(settings, _chosen(room, change), rungs)
    turn.record = replace(turn.record, settings=settings, proven=settings, room=room)
    turn.do(SettingsInForce(settings, change.tickets))
    turn.happen("info", "settings-applied", f"works with {words(change)}")


def refused(turn: Turn, change: Change, problem: Problem) -> None:
    """The model, or a process, did not survive the change; the settings before it stay in force."""
    if turn.life.applying is change:
        turn.life = replace(turn.life, applying=None)
    turn.do(SettingsRefused(turn.record.settings, change.tickets, problem))
    turn.happen("warning", "settings-refused", f"keeps the settings that worked: {problem.detail}")


def adopt(turn: Turn, change: Change) -> None:
    """Take the waiting change for the next load; on trial, when a load follows and there is a way back."""
    record = turn.record
    settings = {**record.settings, **change.changes}
    turn.record = replace(record, settings=settings, change=None)
    if record.role == "engine" and record.proven is not None and _will_load(turn):
        turn.record = replace(turn.record, trial=(record.trial or ()) + change.tickets)
    else:
        turn.do(SettingsInForce(settings, change.tickets))
        turn.happen("info", "settings-applied", f"will use {words(change)}")


def prove(turn: Turn) -> None:
    """A model is ready with the present settings."""
    turn.record = replace(turn.record, proven=turn.record.settings)
    _end_trial(turn)


def release(turn: Turn) -> None:
    """End a trial that no load will decide any more: the change simply stays for the next."""
    if not _will_load(turn):
        _end_trial(turn)


def revert(turn: Turn, problem: Problem) -> bool:
    """Bring back what worked if the present settings are on trial; False when they are not."""
    record = turn.record
    if record.trial is None or record.proven is None:
        return False
    turn.record = replace(record, settings=record.proven, trial=None)
    turn.do(SettingsRefused(record.proven, record.trial, problem))
    turn.happen("warning", "settings-refused", f"goes back to the settings that worked: {problem.detail}")
    return True


def lower(turn: Turn, *, host: bool = False) -> bool:
    """One rung down the ladder for memory, with no way back to what ran out; False at the bottom.

    `host`: it was the host's memory, for which the kernel killed the process.
    """
    record = turn.record
    tried = record.resolved
    differing = step_below(record)
    if not differing:
        return False
    settings = {**record.settings, **differing}
    turn.record = replace(record, settings=settings, proven=None)
    turn.do(StepDown(settings, tried, differing, host))
    words = ", ".join(f"{name} = {value}" for name, value in differing.items())
    turn.happen("warning", "stepped-down", f"ran out of memory and goes on with {words}")
    waiting = record.change
    if waiting is not None and {**record.settings, **waiting.changes} == record.settings:
        turn.record = replace(turn.record, change=None)
        turn.do(SettingsRefused(settings, waiting.tickets, _RAN_OUT))
    return True


def step_below(record: Record) -> Settings:
    """What one rung down the ladder changes; empty at the bottom."""
    tried = record.resolved
    return {name: value for name, value in _next_rung(record).items() if tried.get(name) != value}


def words(change: Change) -> str:
    """The knobs and their new values."""
    return ", ".join(f"{name} = {value}" for name, value in change.changes.items())


def _next_rung(record: Record) -> Settings:
    """What the ladder of the room that was given says next, else that of the kind; empty at the bottom.

    What the ledger chose may stand on one of its rungs already: the next is the one below.
    """
    tried = record.resolved
    rungs = record.room.rungs if isinstance(record.room, Given) else ()
    stands = [at for at, rung in enumerate(rungs) if all(tried.get(name) == value for name, value in rung.items())]
    below = rungs[stands[-1] + 1 :] if stands else rungs
    return below[0] if below else record.lower(tried) or {}


def _chosen(room: Room, change: Change) -> Settings:
    """What the ledger chooses with the change in force: what the operator now says, it no longer does."""
    if change.choice is not None:
        return change.choice.chosen
    if not isinstance(room, Given):
        return {}
    return {name: value for name, value in room.chosen.items() if name not in change.changes}


def _end_trial(turn: Turn) -> None:
    record = turn.record
    if record.trial is not None:
        turn.record = replace(record, trial=None)
        turn.do(SettingsInForce(record.settings, record.trial))
        turn.happen("info", "settings-applied", "has its new settings")


def _will_load(turn: Turn) -> bool:
    return isinstance(turn.record.goal, BeReady) and not turn.record.condemned and not isinstance(turn.state, Failed)
