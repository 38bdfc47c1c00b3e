"""Both ends of a real socket, and a small service behind a real listener, for the tests of the transport."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import ByteStream

from ipc import control, serving
from ipc.errors import EngineDied, Problem, RequestFailed
from ipc.feeding import Fed
from ipc.handshake import greet, hello
from ipc.sockets import SocketStream, dial

NO = Problem("No", "It cannot be.", "Ask for something else.")


def pair() -> tuple[SocketStream, SocketStream]:
    """A connected pair of byte streams."""
    left, right = socket.socketpair()
    return SocketStream(left), SocketStream(right)


class Countless:
    """A service whose engines are named after what they do, and which remembers what happened to it."""

    def __init__(self) -> None:
        self.on_down: Callable[[], None] = lambda: None
        self.waiting = 0
        self.given = 0
        self.closed = 0
        self.most_waiting = 0
        """Bytes that were fed and not taken, at most."""
        self.ends: list[Problem | None] = []

    async def answer(self, command: control.OneAnswer) -> control.Answer:
        match command:
            case control.Start("never"):
                self.waiting += 1
                try:
                    await anyio.sleep_forever()
                finally:
                    self.waiting -= 1
                raise AssertionError
            case control.Start("fails"):
                raise RequestFailed(NO)
            case control.Start("odd name"):
                raise RequestFailed(Problem("No", "There is no \udcff.", ""))
            case control.Start("huge"):
                return control.Done("x" * 17 * 2**20)
            case control.Start("broken"):
                raise ZeroDivisionError
            case control.Start(name):
                return control.Done(name)
            case control.Down():
                self.on_down()
                return control.Done("down")
            case _:
                raise RequestFailed(NO)

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        match command:
            case control.Ask(engine="counts", payload=payload):
                for number in range(int(payload)):
                    yield control.Piece(str(number))
            case control.Ask(engine="dies"):
                yield control.Piece("so ")
                raise EngineDied(NO, "so far")
            case control.Ask(engine="echoes"):
                async for data in self._eaten(fed):
                    yield control.Piece(data.decode())
            case control.Ask(engine="deaf"):
                await anyio.sleep_forever()
            case control.Watch():
                try:
                    while True:
                        self.given += 1
                        yield control.Piece("x" * 1000)
                finally:
                    self.closed += 1
            case _:
                raise RequestFailed(NO)

    async def _eaten(self, fed: Fed) -> AsyncIterator[bytes]:
        """What is fed, until its end."""
        news = anyio.Event()
        fed.wake = lambda: news.set()
        while True:
            data, end = fed.fresh() or (b"", False)
            self.most_waiting = max(self.most_waiting, len(data))
            if data:
                fed.drop(len(data))
                yield data
                fed.grant(len(data))
            if end:
                return
            if not data:
                await news.wait()
                news = anyio.Event()


@asynccontextmanager
async def served(service: Countless, path: Path) -> AsyncGenerator[None]:
    """`service` behind a listener at `path`, while the block runs."""

    async def handle(stream: SocketStream) -> None:
        service.ends.append(await serving.serve(stream, service))

    async def listen() -> None:
        while True:
            await anyio.wait_readable(listener)
            group.start_soon(handle, SocketStream(listener.accept()[0]))

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(bytes(path))
        listener.listen()
        listener.setblocking(False)
        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            yield
            group.cancel_scope.cancel()


@asynccontextmanager
async def raw(path: Path, version: int = control.VERSION) -> AsyncGenerator[ByteStream]:
    """A connection to `path` after its handshake, for a client that then misbehaves."""
    async with await dial(path) as stream:
        await greet(stream, hello("client", version), any_version=True)
        yield stream


async def rest_of(stream: ByteStream) -> bytes:
    """Everything that comes until the other side hangs up."""
    came = b""
    with anyio.fail_after(10):
        while True:
            try:
                came += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return came
