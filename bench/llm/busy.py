"""How long a person waits while a batch job keeps every lane busy: seconds to the first piece, at the client.

One request after the other, each a moment after the last was answered, until there were enough or the time is up; the
job does not end before. The requests are short, so that it is the waiting that is measured.
"""

from __future__ import annotations

import time
from pathlib import Path

import anyio

from bench import table
from bench.figures import percentile
from bench.llm import ours
from bench.llm.models import model_file, write_prompts
from bench.llm.throughput import LENGTH, Bench
from bench.room import Room
from ipc import control
from ipc.client import Client, connect_unix, expect
from ipc.snapshot import JobChanged

PARALLEL = (1, 16)
UNITS = 4000
ASKS, LIMIT_SECONDS, PAUSE_SECONDS = 30, 20.0, 0.05


def show(bench: Bench) -> None:
    """Measure each, print the table."""
    model = model_file(bench.folder, "random", "q8_0")
    source = write_prompts(bench.folder / "night.jsonl", UNITS, 64, 128)
    waits = ("busy: p50 ms", "p95 ms", "max ms", "of that in the engine, p50 ms")
    table.head(("parallel", "requests", "idle: first piece, p50 ms", *waits))
    for parallel in PARALLEL:
        knobs: ours.Knobs = {"n_ctx": LENGTH, "parallel": parallel, "gpu": "cpu"}
        with ours.open_engine(model, knobs) as room:
            limit = LIMIT_SECONDS / 2 if bench.quick else LIMIT_SECONDS
            idle, busy = anyio.run(measure, room, source, limit)
        waited = [reply.first or reply.seconds for reply in busy]
        within = [reply.engine_first for reply in busy if reply.engine_first is not None]
        figures = (
            percentile([reply.first or reply.seconds for reply in idle], 50),
            percentile(waited, 50),
            percentile(waited, 95),
            max(waited),
            percentile(within, 50),
        )
        table.line(str(parallel), str(len(busy)), *(table.number(one * 1e3) for one in figures))


async def measure(room: Room, source: Path, limit_seconds: float) -> tuple[list[ours.Reply], list[ours.Reply]]:
    """Answers with nothing else to do, and beside the job."""
    async with connect_unix(room.socket) as client:
        idle = [await _asked(room, number) for number in range(5)][1:]
        submit = control.Submit("llm", ours.ENGINE, (str(source),), str(room.work / "night.out"), "")
        job = expect(await client.ask(submit), control.JobIs).row.id
        await _begun(client, job)
        busy: list[ours.Reply] = []
        deadline = time.monotonic() + limit_seconds
        while len(busy) < ASKS and time.monotonic() < deadline:
            await anyio.sleep(PAUSE_SECONDS)
            busy.append(await _asked(room, len(busy)))
        await client.ask(control.CancelJob(job))
    return idle, busy


async def _begun(client: Client, job: str) -> None:
    """Some of it is done."""
    async with client.stream(control.Watch()) as items:
        async for item in items:
            match item:
                case control.UpdateItem(JobChanged(row)) if row.id == job and row.units_done:
                    return
                case _:
                    pass


async def _asked(room: Room, number: int) -> ours.Reply:
    async with connect_unix(room.socket) as client:
        return await ours.ask_over(client, {"prompt": f"{'abc ' * (number % 7)}tell me", "max_tokens": 4})
