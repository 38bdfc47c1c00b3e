"""Many clients at once, most of them ill-mannered: what each does follows from its number."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import anyio
import msgspec
from anyio.abc import ByteStream

from ipc import control
from ipc.client import connect_unix
from ipc.envelopes import Request
from ipc.errors import ConnectionFailed, ProtocolViolation, RequestFailed
from ipc.frames import LIMIT_BYTES, frame
from ipc.handshake import greet, hello
from ipc.sockets import dial

CLIENTS = 30
LINGER_SECONDS = 0.5


async def storm(path: Path, pick: int, clients: int = CLIENTS) -> float | None:
    """Let them loose; how many seconds a polite client waited for its answer meanwhile, None where it got none."""
    dice = Random(pick)
    answered: float | None = None
    async with anyio.create_task_group() as group:
        for _ in range(clients):
            group.start_soon(_behave, path, dice.choice(MANNERS))
        with suppress(ConnectionFailed, ProtocolViolation, RequestFailed):
            began = time.monotonic()
            async with connect_unix(path) as client:
                await client.ask(control.Status())
            answered = time.monotonic() - began
    return answered


async def _behave(path: Path, manner: Callable[[Path], Awaitable[None]]) -> None:
    # The supervisor may be killed, or refuse what it was sent: both are what this is for.
    with suppress(
        OSError, ConnectionFailed, ProtocolViolation, RequestFailed, anyio.BrokenResourceError, anyio.EndOfStream
    ):
        await manner(path)


async def _lists_and_leaves(path: Path) -> None:
    async with connect_unix(path) as client:
        await client.ask(control.Ps())
        await client.ask(control.Jobs())


async def _leaves_before_the_answer(path: Path) -> None:
    async with connect_unix(path) as client:
        with anyio.move_on_after(0):
            await client.ask(control.Jobs())


async def _watches_a_little(path: Path) -> None:
    async with connect_unix(path) as client, client.stream(control.Watch()) as items:
        with anyio.move_on_after(LINGER_SECONDS):
            async for _ in items:
                pass


async def _watches_and_never_reads(path: Path) -> None:
    async with await dial(path) as stream:
        await greet(stream, hello("client", control.VERSION))
        await stream.send(frame(msgspec.msgpack.encode(Request(1, control.Watch()))))
        await anyio.sleep(2 * LINGER_SECONDS)


async def _sends_half_a_frame(path: Path) -> None:
    async with await dial(path) as stream:
        await greet(stream, hello("client", control.VERSION))
        await stream.send((1000).to_bytes(4, "big") + b"half")
        await anyio.sleep(LINGER_SECONDS)


async def _says_nothing(path: Path) -> None:
    async with await dial(path):
        await anyio.sleep(LINGER_SECONDS)


async def _announces_too_much(path: Path) -> None:
    async with await dial(path) as stream:
        await greet(stream, hello("client", control.VERSION))
        await stream.send((LIMIT_BYTES + 1).to_bytes(4, "big"))
        await _to_the_end(stream)


async def _talks_nonsense(path: Path) -> None:
    async with await dial(path) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await _to_the_end(stream)


async def _is_cut_off(path: Path) -> None:
    async with await dial(path) as stream:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await stream.send(b"\0")


async def _to_the_end(stream: ByteStream) -> None:
    with anyio.move_on_after(LINGER_SECONDS):
        while True:
            await stream.receive()


MANNERS: tuple[Callable[[Path], Awaitable[None]], ...] = (
    _lists_and_leaves,
    _leaves_before_the_answer,
    _watches_a_little,
    _watches_and_never_reads,
    _sends_half_a_frame,
    _says_nothing,
    _announces_too_much,
    _talks_nonsense,
    _is_cut_off,
)
