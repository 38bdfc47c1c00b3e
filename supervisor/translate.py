"""What a child says, as an event of the machine."""

from __future__ import annotations

from ipc import work
from supervisor.machine import events
from supervisor.machine.events import Event


def event_of(message: work.FromChild, at: float) -> Event | None:
    """The event that `message` is to the machine; None for what only concerns jobs."""
    match message:
        case work.Beat(progress):
            return events.Beat(at, progress)
        case work.LoadProgress(fraction):
            return events.LoadProgressed(at, fraction)
        case work.Loaded():
            return events.Loaded(at, message.footprint_bytes)
        case work.LoadFailed(problem, out_of_memory, permanent):
            return events.LoadFailed(at, problem, out_of_memory, permanent)
        case work.Unloaded(residue_bytes):
            return events.Unloaded(at, residue_bytes)
        case work.Applied():
            return events.Applied(at)
        case work.ApplyFailed(problem):
            return events.ApplyFailed(at, problem)
        case work.Dying(problem, out_of_memory):
            return events.DyingSaid(at, problem, out_of_memory)
        case work.UnitDone(flight) | work.UnitFailed(flight):
            return events.UnitEnded(at, flight)
        case work.Landed(flight):
            return events.FlightEnded(at, flight)
        case work.Planned(task) | work.Assembled(task) | work.TaskFailed(task):
            return events.FlightEnded(at, task)
        case work.Piece() | work.Took() | work.Pull():
            return None
