"""The next moves from where the engine is to where it should be, as far as they go without waiting for a fact."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ipc.states import Backoff, Cold, Draining, Failed, Loading, Purpose, Ready, Starting, Stopped, Stopping, pid_of
from supervisor.machine import changes, ladder, room, succession
from supervisor.machine.clock import busy
from supervisor.machine.effects import CancelFlights, SendLoad, SendUnload, Spawn
from supervisor.machine.record import BeCold, BeReady, BeStopped, Record
from supervisor.machine.turn import Turn


def pursue(turn: Turn) -> None:
    """Move until the next step needs a fact or a moment that has not come."""
    while _move(turn):
        pass


def _move(turn: Turn) -> bool:
    """Make one move; False when there is none to make now."""
    changes.release(turn)
    succession.look(turn)
    change = turn.record.change
    if change is not None and change.applies == "process" and pid_of(turn.state) is not None:
        turn.life = replace(turn.life, replace=True)
    match turn.state:
        case Stopped() | Backoff() | Failed():
            return _without_process(turn)
        case Starting():
            return _leave(turn)
        case Cold() as state:
            return _leave(turn) or _from_cold(turn, state)
        case Loading() as state:
            return _from_loading(turn, state)
        case Ready() as state:
            return _from_ready(turn, state)
        case Draining() as state:
            return _flying(turn, state) if turn.life.flights else _drained(turn, state)
        case Stopping():
            return False
        case _:
            assert_never(turn.state)


def _without_process(turn: Turn) -> bool:
    record = turn.record
    if record.spawning:
        return False
    if record.condemned:
        turn.record = replace(record, condemned="", state=Failed(record.condemned, ()))
        turn.happen("error", "engine-failed", f"has failed: {record.condemned}")
        return True
    if record.change is not None:
        changes.adopt(turn, record.change)
        return True
    match record.state, record.goal:
        case Failed(), _:
            return False
        case state, BeStopped(why):
            turn.state = Stopped(why)
            return turn.state != state
        case _, BeCold():  # its process died on the way: there is no model that another could give back
            turn.record = replace(record, goal=BeStopped("evicted"))
            return True
        case Backoff(_, until, _), _ if turn.at < until:
            return False
        case _:
            if room.have(turn):
                turn.record = replace(turn.record, spawning=True)
                turn.do(Spawn(turn.record.resolved))
            return False


def _leave(turn: Turn) -> bool:
    """Where no model is loaded: on the ladder if the process must go, after the flights a desk may have."""
    purpose, pid = _purpose(turn.record), pid_of(turn.state)
    if pid is None or purpose not in ("stop", "restart"):
        return False
    if turn.life.flights and isinstance(turn.state, Cold) and not turn.record.condemned:
        _drain(turn, pid, purpose)
    else:
        ladder.begin(turn, _why(turn.record, purpose))
    return True


def _from_cold(turn: Turn, state: Cold) -> bool:
    if turn.record.change is not None:
        changes.adopt(turn, turn.record.change)
        return True
    if turn.record.role == "desk" or not isinstance(turn.record.goal, BeReady) or not room.have(turn):
        return False
    turn.life = replace(turn.life, model=True, moved=turn.at)
    turn.state = Loading(state.pid, None)
    turn.do(SendLoad(turn.record.resolved))
    return True


def _from_loading(turn: Turn, state: Loading) -> bool:
    purpose, change = _purpose(turn.record), turn.record.change
    if purpose is None or (purpose == "apply" and change is not None and change.applies == "flight"):
        return False
    turn.do(SendUnload())
    if purpose in ("stop", "restart"):
        ladder.begin(turn, _why(turn.record, purpose))
    else:
        turn.happen("info", "engine-unloading", "gives up its load")
        turn.life = replace(turn.life, unloading=True, moved=turn.at)
        turn.state = Draining(state.pid, "unload", turn.life.units)
    return True


def _from_ready(turn: Turn, state: Ready) -> bool:
    purpose, change = _purpose(turn.record), turn.record.change
    if purpose is not None:
        _drain(turn, state.pid, purpose)
        return True
    if change is None or turn.life.applying is not None:
        return False
    changes.send(turn, change, busy=busy(turn.record))
    return True


def _drain(turn: Turn, pid: int, purpose: Purpose) -> None:
    turn.life = replace(turn.life, cancelled=False, due=turn.at + turn.record.limits.drain_limit)
    turn.state = Draining(pid, purpose, turn.life.units)


def _flying(turn: Turn, state: Draining) -> bool:
    """Let the flights end, then tell them to, then take the process away from under them."""
    purpose, life = _purpose(turn.record), turn.life
    if turn.record.condemned:
        ladder.begin(turn, turn.record.condemned)
    elif purpose is None:
        _resume(turn, state)
    elif turn.at < life.due:
        turn.state = Draining(state.pid, purpose, state.units)
        return False
    elif life.cancelled:
        ladder.begin(turn, f"its flights would not end before the {purpose}")
    else:
        turn.life = replace(life, cancelled=True, due=turn.at + turn.record.limits.stop_limit)
        turn.do(CancelFlights(tuple(flight.id for flight in life.flights)))
    return True


def _drained(turn: Turn, state: Draining) -> bool:
    """Nothing in the air: do what the drain was for, one thing at a time."""
    purpose, change = _purpose(turn.record), turn.record.change
    turn.state = Draining(state.pid, purpose or state.purpose, 0)
    if purpose in ("stop", "restart"):
        ladder.begin(turn, _why(turn.record, purpose))
    elif turn.life.unloading or turn.life.applying is not None:
        return False
    elif purpose == "unload":
        turn.happen("info", "engine-unloading", "gives its model back")
        turn.life = replace(turn.life, unloading=True, moved=turn.at)
        turn.do(SendUnload())
        return False
    elif purpose == "apply" and change is not None:
        changes.send(turn, change, busy=False)
        return False
    else:
        _resume(turn, state)
    return True


def _resume(turn: Turn, state: Draining) -> None:
    if turn.life.ready_at is None:
        turn.state = Cold(state.pid, 0)
    else:
        turn.state = Ready(state.pid, turn.life.footprint_bytes, turn.life.units)


def _purpose(record: Record) -> Purpose | None:
    """What the process must stop flying for, the strongest first."""
    life, change = record.life, record.change
    if record.condemned or isinstance(record.goal, BeStopped):
        return "stop"
    if life.replace:
        return "restart"
    if life.unload or life.unloading or isinstance(record.goal, BeCold):
        return "unload"
    if life.applying is not None and life.applying.applies != "now":
        return "apply"
    if change is not None and change.applies != "now":
        return "apply"
    return None


def _why(record: Record, purpose: Purpose) -> str:
    if record.condemned:
        return record.condemned
    return f"stop ({record.goal.why})" if isinstance(record.goal, BeStopped) else purpose
