"""What every child does, engine or desk: one link to the supervisor, one worker, a beat, and an orderly end."""

from __future__ import annotations

import asyncio
import faulthandler
import importlib.util
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, Protocol

import anyio
import msgspec
from anyio.abc import ByteStream

from engines.bootstrap import Exit, Origin, leave
from engines.worker import Worker
from ipc.channel import Link
from ipc.errors import ConnectionFailed, Problem, ProtocolViolation
from ipc.handshake import greet, hello
from ipc.sockets import SocketStream
from ipc.work import VERSION, Beat, Dying, FromChild, Leave, ToChild

BEAT_SECONDS = 0.5
HANDSHAKE_SECONDS = 60.0
"""Generous, because the supervisor has its own limit, and its end is noticed without any."""
TERM_SECONDS = 2.0
"""How long SIGTERM waits for the worker; a stuck one is then left behind."""

_INBOUND: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)


class Role(Protocol):
    """What an engine or a desk does with what it hears."""

    def hear(self, message: ToChild) -> None:
        """On the loop: never blocks. Raises ProtocolViolation for a word that is not for this role."""

    def stop(self) -> None:
        """On the loop: whatever is under way ends within one step."""

    def close(self) -> None:
        """On the worker, last of all."""


def run(origin: Origin, name: str, create: Callable[[Origin, Worker], Role]) -> NoReturn:
    """Live as the child that `create` makes, until the process ends; `name` is engine or desk."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    fast = importlib.util.find_spec("uvloop") is not None
    try:
        anyio.run(_live, origin, name, create, backend_options={"use_uvloop": fast})
    except BaseException:  # noqa: BLE001 (outermost: logs, and ends the process without waiting for the worker)
        traceback.print_exc(file=sys.stderr)
    leave(Exit.DIED)


async def _live(origin: Origin, name: str, create: Callable[[Origin, Worker], Role]) -> NoReturn:
    with anyio.open_signal_receiver(signal.SIGTERM) as terms:
        code = await _Life(origin, name, create).whole(terms)
    leave(code)  # from inside the loop, so that the worker never meets a closed one


class _Life:
    """One child from its first message to its exit. Everything here runs on the loop."""

    def __init__(self, origin: Origin, name: str, create: Callable[[Origin, Worker], Role]) -> None:
        self._origin = origin
        self._name = name
        self._link: Link[FromChild, ToChild] | None = None
        self._code: Exit | None = None
        self._left = Exit.LEFT
        self._over = anyio.Event()
        self._worker = Worker(asyncio.get_running_loop(), self._deliver, self._end)
        self._role = create(origin, self._worker)

    async def whole(self, terms: AsyncIterator[signal.Signals]) -> Exit:
        """Returns once there is a reason to end, and what was said has left."""
        self._worker.start(self._role.close)
        async with anyio.create_task_group() as group:
            group.start_soon(self._obey, terms)
            group.start_soon(self._converse)
            await self._over.wait()
            group.cancel_scope.cancel()
        return Exit.DIED if self._code is None else self._code

    async def _converse(self) -> None:
        stream = SocketStream(socket.socket(fileno=self._origin.descriptor))
        try:
            await self._talk(stream)
        except (ConnectionFailed, ProtocolViolation) as error:  # before the handshake: nobody to tell
            sys.stderr.write(f"{error}\n")
            self._end(Exit.DIED)

    async def _talk(self, stream: ByteStream) -> None:
        await greet(stream, hello(self._name, VERSION, self._origin.kind), deadline=HANDSHAKE_SECONDS)
        async with Link(stream, _INBOUND, "the supervisor") as self._link, anyio.create_task_group() as group:
            group.start_soon(self._beat, self._link)
            try:
                async for message in self._link:
                    self._hear(message)
            except ProtocolViolation as error:
                self._die(error.problem)
                await anyio.sleep_forever()
            # Nobody is left to hear of results, or to end us if we waited for the model.
            leave(Exit.ORPHANED)

    def _hear(self, message: ToChild) -> None:
        if isinstance(message, Leave):
            self._leave()
        else:
            self._role.hear(message)

    async def _beat(self, link: Link[FromChild, ToChild]) -> None:
        while True:
            link.send(Beat(self._worker.progress, self._worker.tokens, self._worker.words))
            await anyio.sleep(BEAT_SECONDS)

    async def _obey(self, terms: AsyncIterator[signal.Signals]) -> None:
        async for _ in terms:
            self._left = Exit.TERMINATED
            self._leave()
            await anyio.sleep(TERM_SECONDS)
            faulthandler.dump_traceback(all_threads=True)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def _leave(self) -> None:
        self._role.stop()
        self._worker.leave()

    def _deliver(self, message: FromChild) -> None:
        if self._link is None:  # told to go before the handshake: nobody to tell
            return
        try:
            self._link.send(message)
        except ProtocolViolation as error:
            self._die(error.problem)

    def _die(self, problem: Problem) -> None:
        sys.stderr.write(f"{problem}\n")
        if self._link is not None:
            self._link.send(Dying(problem, out_of_memory=False))
        self._end(Exit.DIED)

    def _end(self, code: Exit) -> None:
        """The first reason to end is the one that counts."""
        if self._code is None:
            self._code = self._left if code is Exit.LEFT else code
            self._over.set()
