"""What came for one request of a client and was not yet taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, Self, TypeVar

import anyio

from ipc.envelopes import WINDOW
from ipc.errors import EngineRoomError

T = TypeVar("T")


class Inbox(Generic[T]):
    """Bounded by the window of its stream: `grant(count)` asks the sender for more once half of it was taken."""

    def __init__(self, grant: Callable[[int], None]) -> None:
        self._grant = grant
        self._waiting: deque[T] = deque()
        self._taken = 0
        self._ended = False
        self._failure: EngineRoomError | None = None
        self._news = anyio.Event()

    @property
    def full(self) -> bool:
        """Whether more waits than was ever granted."""
        return len(self._waiting) >= WINDOW

    def put(self, message: T) -> None:
        """Something came."""
        self._waiting.append(message)
        self._news.set()

    def end(self, failure: EngineRoomError | None = None) -> None:
        """Nothing more will come; `failure` is raised after what came before it was taken."""
        self._ended, self._failure = True, failure
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._waiting:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        self._taken += 1
        if self._taken == WINDOW // 2 and not self._ended:
            self._grant(self._taken)
            self._taken = 0
        return self._waiting.popleft()
