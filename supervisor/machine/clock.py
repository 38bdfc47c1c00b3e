"""Deadlines: when the machine wants a `Tick`, and what it decides then."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, assert_never

from ipc.states import Backoff, Cold, Draining, Failed, Loading, Ready, Starting, Stopped, Stopping
from supervisor.machine import ladder
from supervisor.machine.record import Asked, BeCold, BeReady, BeStopped, Record
from supervisor.machine.turn import Turn

LATE: Final = 2.0
"""A tick that comes so many seconds after its deadline says that the supervisor slept, not the child."""


def deadline(record: Record) -> float | None:
    """When the machine wants a `Tick` unless something happens before; None when it only waits for a wish.

    The answer to a `Spawn` has no deadline, because the runner gives it at once; nor has the ledger's.
    """
    if record.spawning:
        return None
    match record.state:
        case Stopped() | Failed():
            return None
        case Backoff() if isinstance(record.room, Asked):
            return None
        case Backoff(_, until, _):
            return until
        case Starting() | Stopping():
            return record.life.due
        case Draining() if record.life.flights:
            return min(_silent_at(record), _stalled_at(record), record.life.due)
        case Cold() | Loading() | Ready() | Draining():
            return min(_silent_at(record), _stalled_at(record), _idle_at(record))
        case _:
            assert_never(record.state)


def tick(turn: Turn) -> None:
    """Take the decisions whose moment has come. The end of a backoff or a drain is `pursue`'s to see."""
    record = turn.record
    match record.state:
        case Stopped() | Backoff() | Failed():
            return
        case Starting():
            if turn.at >= record.life.due:
                _hang(turn, f"said nothing within {record.limits.start_limit:g} s of its start")
        case Stopping() as state:
            if turn.at >= record.life.due:
                ladder.climb(turn, state)
        case Cold() | Loading() | Ready() | Draining():
            _watch(turn)
        case _:
            assert_never(record.state)


def busy(record: Record) -> bool:
    """Whether the process has something to do, so that its progress counter must move."""
    life = record.life
    return bool(life.flights) or life.unloading or life.applying is not None or isinstance(record.state, Loading)


def _watch(turn: Turn) -> None:
    record = turn.record
    hung_at = min(_silent_at(record), _stalled_at(record))
    if turn.at >= hung_at + LATE:
        turn.life = replace(turn.life, heard=turn.at, moved=turn.at)
    elif turn.at >= _silent_at(record):
        _hang(turn, f"hung: no heartbeat for {record.limits.hang_after:g} s")
    elif turn.at >= hung_at:
        _hang(turn, f"hung: no progress for {record.limits.stall_after:g} s of work")
    elif turn.at >= _idle_at(record):
        limits = record.limits
        goal = BeStopped("idle") if limits.unload_depth == "exit" else BeCold()
        turn.record = replace(record, goal=goal)
        turn.happen("info", "engine-unloading", f"had nothing to do for {limits.unload_after:g} s")


def _hang(turn: Turn, why: str) -> None:
    turn.happen("error", "engine-hung", f"{why}; its stacks are in its log")
    ladder.begin(turn, why, fault="hung")


def _silent_at(record: Record) -> float:
    return record.life.heard + record.limits.hang_after


def _stalled_at(record: Record) -> float:
    return record.life.moved + record.limits.stall_after if busy(record) else math.inf


def _idle_at(record: Record) -> float:
    limits, life = record.limits, record.life
    idle = isinstance(record.state, Ready) and isinstance(record.goal, BeReady) and not busy(record)
    idle = idle and record.role != "heir"  # one that is ready waits for its engine to land what must not be divided
    return life.idle_since + limits.unload_after if idle and limits.unload_after > 0 else math.inf
