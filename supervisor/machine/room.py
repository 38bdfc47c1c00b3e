"""Room before work: an engine asks the ledger before it spawns or loads, keeps what it was given, and gives it up.

`record.room` says where that stands. Room is given for settings; other settings ask anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ipc.errors import Problem
from ipc.states import Backoff, Cold, Failed, Stopped, pid_of
from supervisor.machine import changes
from supervisor.machine.effects import AskRoom, GiveUpRoom
from supervisor.machine.events import RoomGiven, RoomRefused
from supervisor.machine.record import Asked, BeCold, BeReady, BeStopped, Given, NoRoom, Record
from supervisor.machine.turn import Turn

SAY_AGAIN_SECONDS: Final = 600.0
"""A refusal of the same sort is told again after so long: work asks every second."""


def have(turn: Turn) -> bool:
    """Whether it may spawn or load now; asks the ledger if that was not done yet."""
    record = turn.record
    if is_given(record):
        return True
    match record.room:
        case Asked(settings) if settings == record.settings:
            return False
        case _:
            drop(turn)
            number = record.asks + 1
            turn.record = replace(turn.record, room=Asked(record.settings, number), asks=number)
            turn.do(AskRoom(number, record.settings, record.wanted_by))
            return False


def is_given(record: Record) -> bool:
    """Whether it has room for its present settings, or needs none."""
    return not record.rationed or (isinstance(record.room, Given) and record.room.settings == record.settings)


def given(turn: Turn, event: RoomGiven) -> None:
    """It may go on, with what the ledger chose laid over its settings."""
    asked, choice = turn.record.room, event.choice
    if not isinstance(asked, Asked) or asked.number != event.number:
        return
    turn.record = replace(turn.record, room=Given(asked.settings, choice.chosen, choice.rungs), refusal=None)
    if event.elsewhere and pid_of(turn.state) is not None:
        turn.life = replace(turn.life, replace=True)


def refused(turn: Turn, event: RoomRefused) -> None:
    """It does without, until it is wanted again; settings on trial are taken back. An heir goes."""
    record = turn.record
    if not isinstance(record.room, Asked) or record.room.number != event.number:
        return
    turn.record = replace(record, room=NoRoom())
    if record.role == "heir":
        why = Problem(event.problem.title, f"there is no room beside it any more: {event.problem.detail}", "")
        turn.record = replace(turn.record, goal=BeStopped("no room"), refusal=why)
        return
    if changes.revert(turn, event.problem):
        return
    _say(turn, event.problem)
    goal = BeStopped("no room") if pid_of(turn.state) is None else BeCold()
    turn.record = replace(turn.record, goal=goal, refusal=event.problem)


def lost(turn: Turn) -> None:
    """What it was given is no good any more: its GPU is gone. A model that is loaded has to see for itself."""
    if isinstance(turn.record.room, Given) and isinstance(turn.state, Backoff | Stopped | Failed | Cold):
        drop(turn)
        if isinstance(turn.state, Cold):
            turn.life = replace(turn.life, replace=True)


def drop(turn: Turn, *, unsuited: bool = False) -> None:
    """Give back what it was given, to ask anew; `unsuited` as in `GiveUpRoom`."""
    if isinstance(turn.record.room, Given):
        turn.record = replace(turn.record, room=NoRoom())
        turn.do(GiveUpRoom(unsuited))


def release(turn: Turn) -> None:
    """Give up what there is no use for any more."""
    if not isinstance(turn.record.room, NoRoom) and not _needed(turn.record):
        turn.record = replace(turn.record, room=NoRoom())
        turn.do(GiveUpRoom())


def _needed(record: Record) -> bool:
    """From the decision to load until the model or the process is gone, and over a restart."""
    coming = isinstance(record.goal, BeReady) and not record.condemned and not isinstance(record.state, Failed)
    if isinstance(record.state, Cold):
        return coming
    return coming or record.spawning or pid_of(record.state) is not None


def _say(turn: Turn, problem: Problem) -> None:
    before = turn.record.refusal
    if before is None or before.title != problem.title or turn.at - turn.record.refused_at >= SAY_AGAIN_SECONDS:
        turn.happen("warning", "engine-held", f"waits for memory: {problem.detail}")
        turn.record = replace(turn.record, refused_at=turn.at)
