"""Who waits for a state is answered when it is reached, or when it can no longer be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ipc.errors import Problem
from ipc.states import Backoff, Cold, Failed, Ready, Starting, Stopped
from supervisor.machine.effects import Reach, Settled
from supervisor.machine.events import Event, WantCold, WantReady, WantRestart, WantStopped
from supervisor.machine.record import BeReady, BeStopped, Record

REACHES: tuple[Reach, ...] = ("ready", "cold", "stopped")


def answers(before: Record, after: Record, event: Event) -> Iterator[Settled]:
    """The answers that one step gives: what it made true or impossible, and what its own wish finds so already."""
    asked = _asked(event, after)
    for reach in REACHES:
        if _reached(after, reach):
            if reach == asked or not _reached(before, reach):
                yield Settled(reach, None)
        else:
            problem = _out_of_reach(after, reach)
            if problem is not None and (reach == asked or _out_of_reach(before, reach) != problem):
                yield Settled(reach, problem)


def _asked(event: Event, record: Record) -> Reach | None:
    match event:
        case WantReady() | WantRestart():
            return "ready"
        case WantCold():
            return "ready" if record.role == "desk" else "cold"
        case WantStopped():
            return "stopped"
        case _:
            return None


def _reached(record: Record, reach: Reach) -> bool:
    match reach:
        case "ready":
            return isinstance(record.state, Cold if record.role == "desk" else Ready)
        case "cold":
            return isinstance(record.state, Stopped | Backoff | Failed | Starting | Cold)
        case "stopped":
            return isinstance(record.state, Stopped) and not record.spawning
        case _:
            assert_never(reach)


def _out_of_reach(record: Record, reach: Reach) -> Problem | None:
    """Why the state cannot be reached from here without another wish; None while it can."""
    name = record.name
    start = f"`engineroom start {name}` makes it ready."
    match reach:
        case "ready":
            if isinstance(record.state, Failed):
                return Problem("Engine failed", f"{name}: {record.state.cause.rstrip('.')}.", f"Then {start}")
            if record.refusal is not None and not isinstance(record.goal, BeReady):
                return record.refusal
            if isinstance(record.goal, BeStopped):
                return Problem("Engine stopped", f"{name} is to stop ({record.goal.why}).", start)
            if not isinstance(record.goal, BeReady):
                return Problem("Engine unloaded", f"{name} is to give its model back.", start)
            return None
        case "cold":
            wanted = isinstance(record.goal, BeReady) and not (record.life.unload or record.life.unloading)
            return Problem("Wanted again", f"{name} is wanted ready again.", "Unload it again.") if wanted else None
        case "stopped":
            if isinstance(record.goal, BeStopped):
                return None
            return Problem("Wanted again", f"{name} is wanted again.", f"`engineroom stop {name}` stops it.")
        case _:
            assert_never(reach)
