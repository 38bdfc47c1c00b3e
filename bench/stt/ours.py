"""Our side: a room with one engine that listens, and jobs of recordings for it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import anyio

from bench.job import cpu_seconds, cpu_since, processes_of
from bench.room import Room, open_room
from ipc import control
from ipc.client import Client, expect
from ipc.places import DATA
from ipc.snapshot import FINISHED, JobChanged, JobRow

ENGINE = "ears"
Knobs: TypeAlias = dict[str, str | int | float]


@dataclass(frozen=True)
class Heard:
    """Of one job: seconds from just before `Submit` leaves, and the CPU seconds of each process meanwhile."""

    text: str
    seconds: float
    first: float
    """Until the first result is known to clients."""
    cpu: dict[str, float]


@contextmanager
def open_ears(knobs: Knobs, folder: Path) -> Iterator[Room]:
    """A room whose engine is ready; one thread, greedy and English unless `knobs` say something else."""
    told: Knobs = {"kind": "stt", "cpu_threads": 1, "language": "en", "beam_size": 1, "temperatures": "0", **knobs}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in told.items())
    variables = {"OMP_NUM_THREADS": "1", DATA: str(folder / "data")}
    with open_room(f"[engine.{ENGINE}]\nunload_after = 0\n{lines}", variables) as room:
        room.run("start", ENGINE)
        yield room


def tune(room: Room, knobs: Knobs) -> None:
    """Change settings, and wait until the engine is ready with them."""
    room.run("set", ENGINE, *(f"{name}={value}" for name, value in knobs.items()))
    room.run("start", ENGINE)


async def hear(room: Room, client: Client, source: Path, output: Path) -> Heard:
    """One recording, as a job of its own."""
    processes = processes_of(room, ENGINE)
    async with client.stream(control.Watch()) as items:
        await anext(items)
        before, began = cpu_seconds(processes), time.perf_counter()
        submit = control.Submit("stt", ENGINE, (str(source),), str(output), "")
        job = expect(await client.ask(submit), control.JobIs).row.id
        first: float | None = None
        async for item in items:
            match item:
                case control.UpdateItem(JobChanged(row)) if row.id == job and (row.units_done or _over(row)):
                    seconds = time.perf_counter() - began
                    first = first or seconds
                    if _over(row):
                        cpu = cpu_since(before, processes)
                        return Heard(await anyio.Path(output).read_text(), seconds, first, cpu)
                case _:
                    pass
    raise SystemExit("the watch ended")


def _over(row: JobRow) -> bool:
    if row.state in FINISHED and row.state != "done":
        sys.exit(f"{row.id} ended as {row.state}: {row.reason}")
    return row.state == "done"
