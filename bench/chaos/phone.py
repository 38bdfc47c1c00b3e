"""Asks the supervisor, as often as it takes: it may be killed before it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import anyio

from bench.room import Room
from ipc import control
from ipc.client import connect_unix, expect
from ipc.errors import ConnectionFailed, ProtocolViolation

A = TypeVar("A", bound=control.Answer)
T = TypeVar("T")

AGAIN_SECONDS = 0.02
PATIENCE_SECONDS = 60.0


async def ask(room: Room, command: control.OneAnswer, kind: type[A], seconds: float = PATIENCE_SECONDS) -> A:
    """The answer, over a connection of its own.

    Raises:
        RequestFailed: it was refused.
        ConnectionFailed: no supervisor answered for so long.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            async with connect_unix(room.socket) as client:
                return expect(await client.ask(command), kind)
        except (ConnectionFailed, ProtocolViolation):
            if time.monotonic() > deadline:
                raise
            await anyio.sleep(AGAIN_SECONDS)


async def look(probe: Callable[[], T | None], seconds: float) -> T | None:
    """The first true value of `probe`, asked again and again; None when there was none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if (value := probe()) or time.monotonic() > deadline:
            return value or None
        await anyio.sleep(AGAIN_SECONDS)
