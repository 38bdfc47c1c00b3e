"""One connection to a room, and how long the supervisor takes to answer over it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

import psutil

from bench.figures import percentile
from bench.room import Room
from ipc import control
from ipc.client import Client, connect_unix, expect

A = TypeVar("A", bound=control.Answer)

TIMES = 5


class Asking:
    """Answers with their times."""

    def __init__(self, room: Room, client: Client, supervisor: psutil.Process) -> None:
        self._room = room
        self._client = client
        self._supervisor = supervisor

    async def ask(self, command: control.OneAnswer, kind: type[A]) -> tuple[A, float]:
        """The answer, and the seconds that it took."""
        began = time.perf_counter()
        answer = expect(await self._client.ask(command), kind)
        return answer, time.perf_counter() - began

    async def median(self, command: control.OneAnswer, kind: type[A]) -> float:
        """Seconds of the middle one of several."""
        return percentile([(await self.ask(command, kind))[1] for _ in range(TIMES)], 50)

    def command_line(self, *arguments: str) -> float:
        """Seconds of `engineroom ARGUMENTS`, from its start to its end; its output is thrown away."""
        began = time.perf_counter()
        subprocess.run(
            self._room.command(*arguments),
            stdout=subprocess.DEVNULL, env=self._room.environment, cwd=self._room.work, check=True,
        )  # fmt: skip
        return time.perf_counter() - began

    def rss_mib(self) -> float:
        """Of the supervisor."""
        return float(self._supervisor.memory_info().rss) / 2**20


@asynccontextmanager
async def asking(room: Room) -> AsyncGenerator[Asking]:
    """Connected to its supervisor."""
    async with connect_unix(room.socket) as client:
        me = expect(await client.ask(control.Status()), control.Self).supervisor
        yield Asking(room, client, psutil.Process(me.pid))
