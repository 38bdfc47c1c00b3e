"""Spawns a real child over a real socketpair, as the supervisor does, for the tests beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TypeAlias, TypeVar

import anyio
import msgspec
from anyio.abc import UNIXSocketStream

from engines.catalog import KINDS
from engines.settings import as_dict
from ipc.channel import Link
from ipc.handshake import Hello, admit, hello
from ipc.snapshot import Scalar
from ipc.work import VERSION, Beat, Fly, FromChild, Landed, Load, Loaded, ToChild, UnitOrder

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 20.0
FROM_CHILD: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
M = TypeVar("M")


def knobs(changes: Mapping[str, Scalar], kind: str = "fake") -> dict[str, Scalar]:
    """All of the kind's settings with these changes."""
    return {**as_dict(KINDS[kind].settings()), **changes}


def start(
    module: str, kind: str, settings: Mapping[str, Scalar], stderr: IO[bytes], *, parent: int | None = None
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process, and our end of its link."""
    ours, theirs = socket.socketpair()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ENGINEROOM_FD": str(theirs.fileno()),
        "ENGINEROOM_PARENT": str(os.getpid() if parent is None else parent),
        "ENGINEROOM_SETTINGS": json.dumps(knobs(settings, kind)),
        "ENGINEROOM_INSTANCE": "test:1",
        "ENGINEROOM_ENGINE": "writer",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", module, kind],
        env=environment,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=stderr,
        stderr=stderr,
    )
    theirs.close()
    return process, ours


class Child:
    """A child after its handshake; everything it says but beats is kept in `heard`, in order."""

    def __init__(self, process: subprocess.Popen[bytes], stream: UNIXSocketStream, who: Hello, log: Path) -> None:
        self.process = process
        self.stream = stream
        self.link: Link[ToChild, FromChild] = Link(stream, FROM_CHILD, "the child")
        self.who = who
        self.heard: list[FromChild] = []
        self.beats: list[Beat] = []
        self._log = log

    def send(self, *messages: ToChild) -> None:
        for message in messages:
            self.link.send(message)

    async def until(self, kind: type[M]) -> M:
        """The next message of that kind."""
        with anyio.fail_after(DEADLINE_SECONDS):
            while True:
                message = await self.link.receive()
                if isinstance(message, Beat):
                    self.beats.append(message)
                else:
                    self.heard.append(message)
                if isinstance(message, kind):
                    return message

    async def load(self, changes: Mapping[str, Scalar] | None = None, kind: str = "fake") -> Loaded:
        self.send(Load(knobs(changes or {}, kind)))
        return await self.until(Loaded)

    async def fly(self, message: Fly) -> list[FromChild]:
        """What it said of this flight."""
        before = len(self.heard)
        self.send(message)
        await self.until(Landed)
        return self.heard[before:-1]

    async def exit_code(self) -> int:
        """Waits for the end."""
        return await ended(self.process)

    async def stuck_in(self, function: str) -> None:
        """Asks for stacks until one of them is in `function`."""

        def shown() -> bool:
            self.signal(signal.SIGUSR1)
            return f"in {function}\n" in self.log()

        await true(shown)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def log(self) -> str:
        return self._log.read_text(errors="replace")


async def true(condition: Callable[[], bool]) -> None:
    """Polls for a fact of another process that no event tells of."""
    with anyio.fail_after(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.02)


async def ended(process: subprocess.Popen[bytes]) -> int:
    """The exit status, negative for a signal."""
    watch = os.pidfd_open(process.pid)
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            await anyio.wait_readable(watch)
    finally:
        os.close(watch)
    return process.wait()


@asynccontextmanager
async def child(
    folder: Path, settings: Mapping[str, Scalar] | None = None, *, module: str = "engines.child", kind: str = "fake"
) -> AsyncGenerator[Child]:
    """A child that has greeted; killed at the end if it still runs."""
    log = folder / "child.log"
    with log.open("ab") as stderr:
        process, ours = start(module, kind, settings or {}, stderr)
    try:
        stream = await UNIXSocketStream.from_socket(ours)
        who = await admit(stream, hello("supervisor", VERSION), deadline=DEADLINE_SECONDS)
        it = Child(process, stream, who, log)
        async with it.link:
            yield it
    finally:
        process.kill()
        process.wait()
        ours.close()


Payload: TypeAlias = Mapping[str, Scalar] | Sequence[Mapping[str, Scalar]]


def fly(number: int, *payloads: Payload, stream: bool = False, files: Path | None = None) -> Fly:
    """A flight of job `j` with these units, indexed from 0, which may leave files `u0`, `u1`, … in that folder."""
    units = tuple(
        UnitOrder("j", index, json.dumps(payload), "" if files is None else str(files / f"u{index}"))
        for index, payload in enumerate(payloads)
    )
    return Fly(number, units, stream, deterministic=False)
