"""The engine and the desk as processes of their own, as the supervisor spawns them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import msgspec
from anyio.abc import UNIXSocketStream
from llm_recorders import questions

from engines.llm.settings import LlmSettings
from engines.settings import as_dict
from ipc.channel import Link
from ipc.handshake import admit, hello
from ipc.work import VERSION, Fly, FromChild, ToChild, UnitOrder

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


def spawn(module: str, more: Mapping[str, str]) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Our end of the link, and the process at the other, with `more` in its environment."""
    ours, theirs = socket.socketpair()
    with theirs:
        environment = os.environ | {
            "ENGINEROOM_FD": str(theirs.fileno()),
            "ENGINEROOM_PARENT": str(os.getpid()),
            "ENGINEROOM_SETTINGS": json.dumps(GREEDY),
            "ENGINEROOM_ENGINE": "writer",
            "PYTHONPATH": str(ROOT),
            **more,
        }
        argv = [sys.executable, "-m", module, "llm"]
        return ours, subprocess.Popen(argv, env=environment, pass_fds=[theirs.fileno()])


@asynccontextmanager
async def spawned(module: str = "engines.child", more: Mapping[str, str] | None = None) -> AsyncIterator[Child]:
    """A child that was greeted; it is killed at the end."""
    ours, process = spawn(module, more or {})
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
    """So many short questions."""
    orders = (UnitOrder("job", i, json.dumps(request)) for i, request in enumerate(questions(count, **more)))
    return Fly(number, tuple(orders), stream, True)
