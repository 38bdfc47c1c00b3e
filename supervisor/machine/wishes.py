"""What a wish changes: the goal, and what must become of the process at hand. `pursue` does the rest.

The last wish wins. Work never countermands the operator.
"""

from __future__ import annotations

from dataclasses import replace

from ipc.states import Backoff, Draining, Failed, Loading, Ready, Stopped, Stopping, Why, pid_of
from supervisor.machine import room
from supervisor.machine.record import Asked, BeCold, BeReady, BeStopped, By
from supervisor.machine.turn import Turn


def ready(turn: Turn, by: By) -> None:
    """Make it ready."""
    record = turn.record
    if by == "work" and (record.goal == BeStopped("operator") or record.condemned or isinstance(turn.state, Failed)):
        return
    # What was said when it was refused, or first asked for room, is not said again.
    again = by == "work" and (record.refusal is not None or isinstance(record.room, Asked))
    if isinstance(turn.state, Stopped | Failed) and not record.spawning and not again:
        turn.happen(
            "info", "engine-starting", f"starts: {'the operator wants it' if by == 'operator' else 'it is wanted'}"
        )
    if by == "operator":
        _clean_slate(turn)
        turn.life = replace(turn.life, unload=False)
    turn.record = replace(turn.record, goal=BeReady(), wanted_by=by)
    turn.life = replace(turn.life, idle_since=turn.at)


def cold(turn: Turn) -> None:
    """Give the model back."""
    record = turn.record = replace(turn.record, refusal=None)
    if record.role == "desk":
        ready(turn, "work")
    elif isinstance(record.goal, BeStopped) or isinstance(turn.state, Failed):
        return
    elif isinstance(turn.state, Stopped | Backoff | Stopping):
        turn.record = replace(record, goal=BeStopped("evicted"))
    else:
        turn.record = replace(record, goal=BeCold())
        turn.life = replace(turn.life, replace=False, unload=isinstance(turn.state, Loading | Ready | Draining))


def stopped(turn: Turn, why: Why) -> None:
    """Have no process."""
    record = turn.record
    if why != "operator" and (record.goal == BeStopped("operator") or isinstance(turn.state, Failed)):
        return
    if why == "operator":
        turn.record = replace(turn.record, condemned="")
    if isinstance(turn.state, Failed):
        turn.state = Stopped(why)
    turn.record = replace(turn.record, goal=BeStopped(why), refusal=None)
    if why == "evicted":
        turn.life = replace(turn.life, replace=True)
    if pid_of(turn.state) is not None:
        turn.happen("info", "engine-stopping", f"is to stop: {_reason(why)}")


def restart(turn: Turn) -> None:
    """Have another process, and a clean slate."""
    has_process = pid_of(turn.state) is not None
    _clean_slate(turn)
    turn.record = replace(turn.record, goal=BeReady(), wanted_by="operator")
    turn.life = replace(turn.life, replace=has_process, ask_again=has_process, unload=False)
    if not has_process:
        room.drop(turn)
    turn.happen("info", "engine-stopping" if has_process else "engine-starting", "restarts: the operator wants it")


def condemn(turn: Turn, cause: str) -> None:
    """End as Failed; the operator's stop, or Failed itself, comes first."""
    if not isinstance(turn.record.goal, BeStopped) and not isinstance(turn.state, Failed):
        turn.record = replace(turn.record, condemned=cause)


def _clean_slate(turn: Turn) -> None:
    turn.record = replace(turn.record, deaths=(), attempt=0, condemned="")
    if isinstance(turn.state, Backoff | Failed):
        turn.state = Backoff(0, turn.at, "the operator wants it")


def _reason(why: Why) -> str:
    match why:
        case "operator":
            return "the operator wants it"
        case "idle":
            return "nothing to do"
        case "evicted":
            return "its memory is wanted"
        case "replaced":
            return "another process takes its place"
        case "no room":
            return "there is no room for it"
        case "never started":
            return "nobody wants it"
