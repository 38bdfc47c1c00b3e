"""Keeps a stream of log lines or events coming for as long as a screen is open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import anyio

from ipc.control import Events, Item, Logs
from ipc.errors import EngineRoomError
from tui.bridge import Connection

AGAIN_SECONDS = 1.0


async def follow(connection: Connection, command: Logs | Events, take: Callable[[Item, bool], None]) -> None:
    """Call `take(item, fresh)` for each item, forever; `fresh` marks the first item of each attachment.

    A lost connection or an unknown engine is no end: it is asked again every second.
    """
    while True:
        fresh = True
        with suppress(EngineRoomError):
            async with connection.stream(command) as items:
                async for item in items:
                    take(item, fresh)
                    fresh = False
        await anyio.sleep(AGAIN_SECONDS)
