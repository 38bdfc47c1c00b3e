"""Carries updates from the connection into the store, and commands the other way; attaches again when it breaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeAlias

import anyio

from ipc.background import background
from ipc.control import Answer, Item, OneAnswer, Streaming, UpdateItem, Watch
from ipc.errors import ConnectionFailed, EngineRoomError, Problem, ProtocolViolation
from ipc.snapshot import Snapshot
from tui.store import Store

PUBLISH_SECONDS = 0.1
"""The least time between two redraws."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0


class Connection(Protocol):
    """What screens need of the supervisor; `ipc.client.Client` is one, and so is a `Bridge`."""

    async def ask(self, command: OneAnswer) -> Answer:
        """The one answer. Raises EngineRoomError."""

    def stream(self, command: Streaming) -> AbstractAsyncContextManager[AsyncIterator[Item]]:
        """The items, for as long as the context lasts. Raises EngineRoomError."""


Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]


class Bridge:
    """One connection at a time, made anew with a growing pause for as long as the bridge is running."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._client: Connection | None = None
        self._store: Store | None = None
        self._attached = anyio.Event()
        self._dirty = anyio.Event()
        self._publish: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Store]:
        """Attached, with the store filled by a first snapshot.

        Raises:
            EngineRoomError: the first connection could not be made. Later ones are tried until they succeed.
        """
        async with background(self._stay_attached):
            await self._attached.wait()
            assert self._store is not None
            async with background(self._publish_changes):
                yield self._store

    def publish_to(self, publish: Callable[[], None]) -> None:
        """Call `publish` soon after a change, at most ten times a second."""
        self._publish = publish

    async def ask(self, command: OneAnswer) -> Answer:
        """The supervisor's answer. Raises EngineRoomError, also while there is no connection."""
        return await self._connected().ask(command)

    @asynccontextmanager
    async def stream(self, command: Streaming) -> AsyncGenerator[AsyncIterator[Item]]:
        """Items of one stream. Raises EngineRoomError, also while there is no connection."""
        async with self._connected().stream(command) as items:
            yield items

    def _connected(self) -> Connection:
        if self._client is None:
            raise ConnectionFailed(
                Problem("Not connected", "The supervisor cannot be reached just now.", "Wait: it is tried again.")
            )
        return self._client

    async def _stay_attached(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            before = self._store.unix if self._store else None
            try:
                await self._watch()
                problem = Problem("Connection ended", "The supervisor ended the connection.", "It is tried again.")
            except EngineRoomError as error:
                if self._store is None:
                    raise
                problem = error.problem
            if self._store is None:
                raise ConnectionFailed(problem)
            heard_something = self._store.unix != before
            wait = FIRST_WAIT_SECONDS if heard_something else min(wait * 2, LONGEST_WAIT_SECONDS)
            self._store.lose(problem)
            self._dirty.set()
            await anyio.sleep(wait)

    async def _watch(self) -> None:
        async with self._connect() as client, client.stream(Watch()) as items:
            try:
                async for item in items:
                    if isinstance(item, UpdateItem):
                        self._take(item, client)
            finally:
                self._client = None

    def _take(self, item: UpdateItem, client: Connection) -> None:
        if self._store is not None:
            self._store.fold(item.update)
        else:
            if not isinstance(item.update, Snapshot):
                raise ProtocolViolation(
                    Problem("Bad stream", "A watch began without a snapshot.", "Do both sides have the same version?")
                )
            self._store = Store(item.update)
            self._attached.set()
        self._client = client
        self._dirty.set()

    async def _publish_changes(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty = anyio.Event()
            self._publish()
            await anyio.sleep(PUBLISH_SECONDS)
