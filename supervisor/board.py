"""What happened, and who is watching: the ring of happenings and the watchers' bounded queues.

A slow client never slows the supervisor: a watcher whose queue is full is marked, its queue dropped, and it
starts again from a fresh snapshot.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import anyio

from ipc.snapshot import Happened, Happening, Severity, Snapshot, Update

HAPPENINGS_KEPT = 2000
QUEUE_LENGTH = 1024


class Watcher:
    """One client's view: updates since it last looked, or the need for a fresh snapshot."""

    def __init__(self) -> None:
        self.overflowed = True
        self._queue: deque[Update] = deque()
        self._wake = anyio.Event()

    def push(self, update: Update) -> None:
        """Never blocks; on overflow the queue gives way to a fresh snapshot."""
        if self.overflowed:
            return
        if len(self._queue) >= QUEUE_LENGTH:
            self._queue.clear()
            self.overflowed = True
        else:
            self._queue.append(update)
        self._wake.set()

    async def updates(self, snapshot: Callable[[], Snapshot]) -> AsyncIterator[Update]:
        """A snapshot, then every update; again a snapshot after an overflow."""
        while True:
            if self.overflowed:
                self.overflowed = False
                yield snapshot()
            while self._queue and not self.overflowed:
                yield self._queue.popleft()
            if not self.overflowed:
                self._wake = anyio.Event()
                await self._wake.wait()


class Board:
    """Publishes updates to every watcher and keeps the last happenings."""

    def __init__(self, on_happening: Callable[[Happening], None]) -> None:
        self._on_happening = on_happening
        self._watchers: set[Watcher] = set()
        self._happenings: deque[Happening] = deque(maxlen=HAPPENINGS_KEPT)
        self._next_sequence = 1

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """A watcher for as long as the block lasts."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def publish(self, update: Update) -> None:
        """To every watcher, at once."""
        for watcher in self._watchers:
            watcher.push(update)

    def happen(self, severity: Severity, about: str, word: str, text: str) -> None:
        """One decision or fact with its reason: to the ring, the log, the recording and every watcher."""
        happening = Happening(self._next_sequence, time.time(), severity, about, word, text)
        self._next_sequence += 1
        self._happenings.append(happening)
        self._on_happening(happening)
        self.publish(Happened(happening))

    @property
    def last_sequence(self) -> int:
        """The sequence of the newest happening, 0 before the first."""
        return self._next_sequence - 1

    def last(self, count: int) -> tuple[Happening, ...]:
        """The newest `count` happenings, oldest first."""
        return tuple(self._happenings)[-count:] if count > 0 else ()
