"""Which planned units are divided anew when a size changes: the last ones, as far as none of them has begun. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ipc.snapshot import Scalar
from supervisor.jobs.job import Job, Rewind, Unit


def untouched_tail(job: Job, planning: Mapping[str, Scalar]) -> Rewind | None:
    """The longest run of units at the end of what is planned that never began, where `planning` divides otherwise.

    None where the last one has begun. What was composed ahead and can be let go has not begun. `planning` are the
    engine's settings; the job's own count instead.
    """
    if job.facts.planned_with == {name: job.spec.own.get(name, value) for name, value in planning.items()}:
        return None
    ahead = [flight.units for flight in job.flights.values() if not flight.sent and not flight.deterministic]
    waiting = {**job.free, **{unit.index: unit for units in ahead for unit in units}}
    tail: list[Unit] = []
    index = job.facts.planned - 1
    while (unit := waiting.get(index)) is not None and _is_untouched(unit):
        tail.append(unit)
        index -= 1
    if not tail:
        return None
    first = tail[-1]
    return Rewind(first.index, first.source, first.start, tuple(reversed(tail)))


def unread_tail(job: Job) -> Rewind | None:
    """Back to the first input that could not be read to its end and was followed by no unit; None if there is none."""
    planned = job.facts.planned
    if job.facts.all_planned:
        for found in job.found:
            if found.stopped is not None and found.before == planned:
                return Rewind(planned, found.source, found.stopped)
    return None


def _is_untouched(unit: Unit) -> bool:
    return not (unit.begun or unit.alone or unit.former)
