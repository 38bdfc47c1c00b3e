"""One whole job through the supervisor, timed; and what its processes cost meanwhile."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.room import Room
from config.paths import lock_path
from ipc import control
from ipc.client import Client, expect
from ipc.snapshot import FINISHED, JobChanged


@dataclass(frozen=True)
class Work:
    """One run over all prompts; seconds, and the CPU seconds of each process by name."""

    tokens: int
    began: float
    ended: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / (self.ended - self.began)


async def supervised(room: Room, client: Client, engine: str, source: Path, output: Path) -> Work:
    """Submit these prompts to a ready engine; from just before `Submit` leaves until its end is heard."""
    processes = processes_of(room, engine)
    async with client.stream(control.Watch()) as items:
        await anext(items)
        before, began = cpu_seconds(processes), time.time()
        submit = control.Submit("llm", engine, (str(source),), str(output), "")
        job = expect(await client.ask(submit), control.JobIs).row.id
        async for item in items:
            match item:
                case control.UpdateItem(JobChanged(row)) if row.id == job and row.state in FINISHED:
                    ended = time.time()
                    if row.state != "done":
                        sys.exit(f"{job} ended as {row.state}: {row.reason}")
                    return Work(row.tokens, began, ended, cpu_since(before, processes))
    raise SystemExit("the watch ended")


def processes_of(room: Room, engine: str) -> dict[str, int]:
    """Process ids by role: supervisor, engine, desk."""
    supervisor = psutil.Process(int(lock_path(room.state).read_text()))
    found = {"supervisor": supervisor.pid}
    for child in supervisor.children():
        name = child.environ().get("ENGINEROOM_ENGINE", "")
        if name == engine or name.endswith(":desk"):
            found["engine" if name == engine else "desk"] = child.pid
    return found


def cpu_seconds(processes: dict[str, int]) -> dict[str, float]:
    """CPU seconds so far: see `bench.cold_start`."""
    return {name: time.clock_gettime(~pid << 3 | 2) for name, pid in processes.items()}


def cpu_since(before: dict[str, float], processes: dict[str, int]) -> dict[str, float]:
    """What each used since `before`."""
    return {name: seconds - before[name] for name, seconds in cpu_seconds(processes).items()}
