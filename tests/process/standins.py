"""Small programs in the place of engines, spawned and watched for real."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import psutil

from ipc.work import FromChild
from supervisor.process.child import Child, Exited, Fact, Said
from supervisor.process.ring import LogRing
from supervisor.process.spawn import ChildSpec, spawn

GREETING = """
import os, socket, sys, time, msgspec
from ipc import handshake, work
from ipc.frames import frame

sock = socket.socket(fileno=int(os.environ["ENGINEROOM_FD"]))

def say(*messages):
    sock.sendall(b"".join(frame(msgspec.msgpack.encode(message)) for message in messages))

def hear():
    return sock.recv(65536)

def greet(version=work.VERSION):
    say(handshake.hello("engine", version, "fake"))
    return hear()
"""
"""What a program needs to speak with its supervisor by hand."""

F = TypeVar("F", bound=Fact)
M = TypeVar("M", bound=FromChild)
LONG_SECONDS = 20.0


class Watched:
    """A child with all that was heard of it; `log` is where it prints."""

    def __init__(self, child: Child, log: LogRing) -> None:
        self.child = child
        self.log = log
        self.facts: list[Fact] = []
        self.ended = anyio.Event()
        self._news = anyio.Event()

    def heard(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._news.set()
        self._news = anyio.Event()

    async def until(self, kind: type[F]) -> F:
        """The first fact of this kind, waiting for it if need be."""
        with anyio.fail_after(LONG_SECONDS):
            while True:
                for fact in self.facts:
                    if isinstance(fact, kind):
                        return fact
                await self._news.wait()

    async def said(self, kind: type[M]) -> M:
        """The first message of this kind, waiting for it if need be."""
        with anyio.fail_after(LONG_SECONDS):
            while True:
                for fact in self.facts:
                    if isinstance(fact, Said) and isinstance(fact.message, kind):
                        return fact.message
                await self._news.wait()

    async def exited(self) -> Exited:
        """The exit, which has to be the last of all."""
        last = await self.until(Exited)
        with anyio.fail_after(LONG_SECONDS):
            await self.ended.wait()
        assert self.facts[-1] is last
        return last

    async def printed(self, text: str) -> str:
        """The first line that holds `text`, waiting for it if need be."""
        with anyio.fail_after(LONG_SECONDS):
            async for batch in self.log.follow(10_000):
                for line in batch:
                    if text in line.text:
                        return line.text
        raise AssertionError("a log has no end")


@asynccontextmanager
async def watched(spec: ChildSpec, instance: str = "test:1") -> AsyncGenerator[Watched]:
    """Spawn and watch while the block runs; whatever still lives then is killed."""
    log = LogRing()
    this = Watched(spawn(spec, instance, log), log)

    async def watch() -> None:
        await this.child.watch(this.heard)
        this.ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        yield this
        group.cancel_scope.cancel()


def program(folder: Path, text: str, **environment: str) -> ChildSpec:
    """A stand-in that runs `text` as its module; `folder` has to be on PYTHONPATH."""
    (folder / "standin.py").write_text(text)
    return ChildSpec("writer", "standin", (), environment, folder, sys.executable)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds, or fail."""
    deadline = time.monotonic() + LONG_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def lives(pid: int) -> bool:
    """Whether that process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def no_descriptor_lost() -> Iterator[None]:
    """The block leaves as many descriptors open as there were."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    after = set(os.listdir("/proc/self/fd"))
    assert len(after) <= len(before), after - before
