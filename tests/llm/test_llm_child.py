"""The engine and the desk as the supervisor meets them: processes of their own behind a socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import msgspec
import pytest
from anyio.abc import UNIXSocketStream
from llm_recorders import MINIATURE, questions

from engines.llm.settings import LlmSettings
from engines.settings import as_dict
from ipc.channel import Link
from ipc.handshake import admit, hello
from ipc.work import (
    VERSION,
    Applied,
    Apply,
    ApplyFailed,
    Assemble,
    Assembled,
    Beat,
    CancelFlight,
    Fly,
    FromChild,
    Landed,
    Leave,
    Load,
    Loaded,
    LoadFailed,
    LoadProgress,
    Piece,
    Plan,
    Planned,
    Pull,
    ResultRow,
    Results,
    ToChild,
    UnitDone,
    UnitOrder,
    Unload,
    Unloaded,
)

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
GREEDY = as_dict(LlmSettings(temperature=0.0, max_tokens=48))
T = TypeVar("T", bound=FromChild)


class Child:
    """A child, and all it said."""

    def __init__(self, link: Link[ToChild, FromChild], process: subprocess.Popen[bytes]) -> None:
        self.process, self._link = process, link
        self.send: Callable[[ToChild], None] = link.send
        self.heard: list[FromChild] = []

    async def until(self, wanted: type[T]) -> T:
        """The next message of this type."""
        with anyio.fail_after(20):
            while True:
                message = await self._link.receive()
                self.heard.append(message)
                if isinstance(message, wanted):
                    return message


def spawn(module: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Our end of the link, and the process at the other."""
    ours, theirs = socket.socketpair()
    with theirs:
        environment = os.environ | {
            "ENGINEROOM_FD": str(theirs.fileno()),
            "ENGINEROOM_PARENT": str(os.getpid()),
            "ENGINEROOM_SETTINGS": json.dumps(GREEDY),
            "ENGINEROOM_ENGINE": "writer",
            "PYTHONPATH": str(ROOT),
        }
        argv = [sys.executable, "-m", module, "llm"]
        return ours, subprocess.Popen(argv, env=environment, pass_fds=[theirs.fileno()])


@asynccontextmanager
async def spawned(module: str = "engines.child") -> AsyncIterator[Child]:
    ours, process = spawn(module)
    try:
        stream = await UNIXSocketStream.from_socket(ours)
        await admit(stream, hello("supervisor", VERSION), deadline=20)
        inbound: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
        async with Link[ToChild, FromChild](stream, inbound) as link:
            yield Child(link, process)
    finally:
        process.kill()
        process.wait()


def flight(number: int, count: int, *, stream: bool = False, **more: object) -> Fly:
    orders = (UnitOrder("job", i, json.dumps(request)) for i, request in enumerate(questions(count, **more)))
    return Fly(number, tuple(orders), stream, True)


async def test_a_whole_life() -> None:
    async with spawned() as child:
        child.send(Load(GREEDY))
        loaded = await child.until(Loaded)
        assert loaded.quantization == "F16"
        assert loaded.settings == GREEDY
        assert any(isinstance(said, LoadProgress) for said in child.heard)

        child.send(flight(1, 1, stream=True))
        await child.until(Landed)
        done = next(said for said in child.heard if isinstance(said, UnitDone))
        pieces = [said.text for said in child.heard if isinstance(said, Piece)]
        assert "".join(pieces) == json.loads(done.result)["answer"]
        assert done.ttft_seconds is not None

        child.send(Apply({"parallel": 4}))
        assert (await child.until(Applied)).settings == {**GREEDY, "parallel": 4}
        child.send(flight(2, 7))
        await child.until(Landed)
        assert sum(isinstance(said, UnitDone) and said.flight == 2 for said in child.heard) == 7

        child.send(Unload())
        await child.until(Unloaded)
        child.send(Load(GREEDY))
        await child.until(Loaded)
        child.send(Leave())
        with anyio.fail_after(10):
            assert await anyio.to_thread.run_sync(child.process.wait) == 0


async def test_files_that_cannot_be_loaded_are_said_and_survived(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(MINIATURE.read_bytes()[:4_000_000])
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(cut)}))
        failed = await child.until(LoadFailed)
        assert failed.permanent
        assert "4.0 of 7." in failed.problem.detail
        child.send(Load(GREEDY))
        await child.until(Loaded)
        child.send(Apply({"model": str(cut)}))
        assert (await child.until(ApplyFailed)).problem.title == "Model truncated"
        child.send(flight(1, 1))
        assert (await child.until(UnitDone)).tokens > 3


async def test_cancel_ends_a_long_flight_at_once() -> None:
    async with spawned() as child:
        child.send(Load({**GREEDY, "parallel": 4}))
        await child.until(Loaded)
        orders = tuple(UnitOrder("job", i, json.dumps({"prompt": "word " * 1500})) for i in range(64))
        child.send(Fly(1, orders, True, True))
        await child.until(Beat)
        asked = time.monotonic()
        child.send(CancelFlight(1))
        await child.until(Landed)
        assert time.monotonic() - asked < 1
        assert sum(isinstance(said, UnitDone) for said in child.heard) < 64
        child.send(flight(2, 1))
        assert (await child.until(UnitDone)).tokens > 3


async def test_the_desk_plans_the_examples_and_writes_their_answers(tmp_path: Path) -> None:
    source, part = ROOT / "examples" / "prompts.jsonl", tmp_path / "answers.jsonl"
    async with spawned("engines.desk") as desk:
        desk.send(Plan(1, str(source), "", 500, GREEDY))
        planned = await desk.until(Planned)
        assert (len(planned.units), planned.problems, planned.end) == (200, (), True)

        desk.send(Assemble(2, "job", str(part), GREEDY))
        await desk.until(Pull)
        result = json.dumps({"answer": "So.", "tokens": 2, "prompt_tokens": 3, "finish": "stop"})
        rows = (ResultRow(i, unit.payload, result) for i, unit in enumerate(planned.units))
        desk.send(Results(2, tuple(rows), last=True))
        assert (await desk.until(Assembled)).size_bytes == part.stat().st_size
    lines = [json.loads(line) for line in part.read_text().splitlines()]
    assert [line["id"] for line in lines] == [unit.name for unit in planned.units]
