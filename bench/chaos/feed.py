"""Hands the jobs over, so that there is work for as long as there are blows, and neither runs away from the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.chaos import phone
from bench.chaos.source import Source
from bench.room import Room
from ipc import control
from ipc.errors import RequestFailed
from ipc.snapshot import JobRow

AHEAD = 16
"""Jobs that are submitted before their share of the steps is done, so that every engine has work when it is met."""


def output_of(room: Room, source: Source) -> Path:
    """Where the job's results go."""
    return room.work / f"{source.name}.out.jsonl"


async def submit(room: Room, source: Source) -> JobRow:
    """Durable when this returns, whatever happens to the supervisor meanwhile."""
    output = str(output_of(room, source))
    path = source.write(room.work)
    wish = control.Submit(source.kind, source.engine, (str(path),), output, "")
    try:
        return (await phone.ask(room, wish, control.JobIs)).row
    except RequestFailed:
        # The one asked before was killed after it had stored the job, and before it could say so.
        rows = (await phone.ask(room, control.Jobs(), control.JobList)).rows
        for row in rows:
            if row.output == output:
                return row
        raise


async def feed(room: Room, sources: Sequence[Source], share: Callable[[], float], submitted: dict[str, Source]) -> None:
    """Submit all; `share` says how much of the steps is done, in 0..1. Each goes into `submitted` by its job's id."""
    for number, source in enumerate(sources):
        due = (number - AHEAD) / len(sources)
        await phone.look(lambda due=due: share() >= due, math.inf)  # type: ignore[misc]
        submitted[(await submit(room, source)).id] = source
