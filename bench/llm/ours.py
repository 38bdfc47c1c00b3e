"""Our side of each comparison: a room with one engine, asked through a client or given a job."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import anyio

from bench.job import supervised
from bench.llm.contest import Run
from bench.room import Room, open_room
from ipc import control
from ipc.client import Client, connect_unix

ENGINE = "writer"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""For both sides: what an engine's process gets from its settings, peers get from here."""


Knobs: TypeAlias = dict[str, str | int | float]


@dataclass(frozen=True)
class Reply:
    """One answer to `Ask`; seconds from just before the request leaves, `first` until the first piece is here."""

    answer: str
    tokens: int
    prompt_tokens: int
    seconds: float
    first: float | None
    engine_first: float | None
    """The same as the engine measured it, from the moment it took up the request."""


@contextmanager
def open_engine(model: Path, knobs: Knobs) -> Iterator[Room]:
    """A room whose engine is ready; greedy on one thread unless `knobs` say something else."""
    told = {"kind": "llm", "model": str(model), "threads": 1, "temperature": 0.0, **knobs}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in told.items())
    with open_room(f"[engine.{ENGINE}]\n{lines}", ENVIRONMENT) as room:
        order(room, control.Start(ENGINE))
        yield room


def order(room: Room, command: control.OneAnswer) -> control.Answer:
    """One command over a connection of its own."""

    async def run() -> control.Answer:
        async with connect_unix(room.socket) as client:
            answer: control.Answer = await client.ask(command)
            return answer

    return anyio.run(run)


def job(room: Room, source: Path, output: Path) -> Run:
    """Submit these prompts, and wait for the end."""

    async def run() -> Run:
        async with connect_unix(room.socket) as client:
            work = await supervised(room, client, ENGINE, source, output)
            return Run(work.tokens, work.ended - work.began, sum(work.cpu.values()))

    return anyio.run(run)


def ask(room: Room, payload: dict[str, Any]) -> Reply:
    """One interactive request; connecting is not counted."""

    async def run() -> Reply:
        async with connect_unix(room.socket) as client:
            return await ask_over(client, payload)

    return anyio.run(run)


async def ask_over(client: Client, payload: dict[str, Any]) -> Reply:
    """The same over a connection that is there."""
    wish = control.Ask(ENGINE, json.dumps(payload))
    first: float | None = None
    began = time.perf_counter()
    async with client.stream(wish) as items:
        async for item in items:
            match item:
                case control.Piece() if first is None:
                    first = time.perf_counter() - began
                case control.Answered():
                    seconds = time.perf_counter() - began
                    result = json.loads(item.result)
                    return Reply(
                        result["answer"], item.tokens, result["prompt_tokens"], seconds, first, item.ttft_seconds
                    )
                case _:
                    pass
    raise SystemExit("a request ended without an answer")
