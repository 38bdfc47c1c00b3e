"""What engines print, kept within bounds: a ring of numbered lines that followers wait on without polling."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from itertools import islice
from typing import Literal, TypeAlias

import anyio

from ipc.snapshot import LogLine

Stream: TypeAlias = Literal["stdout", "stderr", "supervisor"]


class LogRing:
    """The last `lines` lines, or fewer when they hold more than `characters`; it outlives the processes that print.

    A follower that is slower than the printing misses lines, and the numbers tell it how many. What is added goes
    `into` another ring, too: of two processes that print into one, each keeps what it printed itself.
    """

    def __init__(self, lines: int = 2000, characters: int = 2**20, *, into: LogRing | None = None) -> None:
        self._most_lines = lines
        self._most_characters = characters
        self._kept: deque[LogLine] = deque()
        self._characters = 0
        self._last = 0
        self._grown: anyio.Event | None = None
        self._into = into

    def append(self, stream: Stream, texts: Sequence[str]) -> None:
        """Add lines, all of this moment; the followers wake once."""
        if not texts:
            return
        unix = time.time()
        unkept = max(0, len(texts) - self._most_lines)
        self._last += unkept
        for text in islice(texts, unkept, None):
            self._last += 1
            self._kept.append(LogLine(self._last, unix, stream, text))
            self._characters += len(text)
        while len(self._kept) > self._most_lines or self._characters > self._most_characters:
            self._characters -= len(self._kept.popleft().text)
        if self._grown is not None:
            self._grown.set()
            self._grown = None
        if self._into is not None:
            self._into.append(stream, texts)

    def note(self, text: str) -> None:
        """Add a line of the supervisor's own."""
        self.append("supervisor", (text,))

    def tail(self, count: int, *, since: int = 1) -> tuple[LogLine, ...]:
        """The last `count` lines, of those that are kept and have a number of at least `since`; oldest first."""
        wanted = max(0, min(count, len(self._kept), self._last + 1 - since))
        return tuple(islice(self._kept, len(self._kept) - wanted, None))

    async def follow(self, lines: int) -> AsyncGenerator[tuple[LogLine, ...], None]:
        """The last `lines` lines, then what comes, in batches that are never empty; it has no end of its own."""
        seen = self._last - max(0, lines)
        while True:
            if batch := self.tail(self._most_lines, since=seen + 1):
                seen = batch[-1].number
                yield batch
            else:
                if self._grown is None:
                    self._grown = anyio.Event()
                await self._grown.wait()
