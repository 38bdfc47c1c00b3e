"""The last lines a child printed, bounded by lines and bytes, numbered over the life of its engine."""

from __future__ import annotations

import time
from collections import deque
from typing import Literal, TypeAlias

import anyio

from ipc.snapshot import LogLine

Stream: TypeAlias = Literal["stdout", "stderr", "supervisor"]

LINES_KEPT = 2000
BYTES_KEPT = 1024 * 1024
LINE_LIMIT_CHARACTERS = 4096


class LogRing:
    """Written by the drains, read by `logs` and by the death of the engine; readers wait, they never poll."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._characters = 0
        self._next = 1
        self._news = anyio.Event()

    @property
    def next_number(self) -> int:
        """The number that the next line will have."""
        return self._next

    def add(self, stream: Stream, text: str) -> None:
        """One line; a longer one than the limit is cut, and says so."""
        if len(text) > LINE_LIMIT_CHARACTERS:
            text = text[:LINE_LIMIT_CHARACTERS] + " … (cut)"
        self._lines.append(LogLine(self._next, time.time(), stream, text))
        self._next += 1
        self._characters += len(text)
        while len(self._lines) > LINES_KEPT or self._characters > BYTES_KEPT:
            self._characters -= len(self._lines.popleft().text)
        self._news.set()

    def tail(self, count: int, *, since: int = 1) -> tuple[LogLine, ...]:
        """The last `count` lines with a number of at least `since`, oldest first."""
        wanted = max(0, min(count, len(self._lines), self._next - since))
        return tuple(self._lines[index] for index in range(len(self._lines) - wanted, len(self._lines)))

    async def beyond(self, number: int) -> tuple[LogLine, ...]:
        """Wait until there are lines above `number`, and return them; what the ring dropped meanwhile is gone."""
        while self._next <= number + 1:
            self._news = anyio.Event() if self._news.is_set() else self._news
            await self._news.wait()
        return self.tail(LINES_KEPT, since=number + 1)
