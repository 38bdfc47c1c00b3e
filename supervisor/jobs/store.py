"""The store's one writer: whatever is handed over while a commit is under way goes into the next one together.

A commit on the disk takes milliseconds, however much is in it, so at work the commits carry each other. A full or
failing disk loses nothing: the same batch is tried again until it is stored, and nobody is told before.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeAlias

import anyio
from anyio import to_thread

from supervisor.jobs.changes import Change
from supervisor.jobs.saving import save
from supervisor.jobs.schema import connect

RETRY_SECONDS = 1.0
BATCH = 1000
"""At most so many hand-overs in one commit."""

Then: TypeAlias = Callable[[], None]


@dataclass(frozen=True)
class _Write:
    changes: Sequence[Change]
    then: Then


@dataclass(frozen=True)
class _Read:
    query: Callable[[sqlite3.Connection], Then]


class Store:
    """`open`, then `run` beside the rest; `write` and `read` on the loop; `close` at the end."""

    def __init__(self, path: Path, on_trouble: Callable[[str], None]) -> None:
        """`on_trouble` is called on the loop with a sentence when the disk refuses, and with "" once it is well."""
        self._path = path
        self._on_trouble = on_trouble
        self._orders: SimpleQueue[_Write | _Read | None] = SimpleQueue()
        self._outcomes: deque[Then] = deque()
        self._wake = anyio.Event()
        self._closing = threading.Event()

    async def open(self) -> sqlite3.Connection:
        """The connection, for reading before anything is written.

        Raises:
            EngineRoomError: the store cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._connection = await to_thread.run_sync(connect, self._path)
        self._thread = threading.Thread(target=self._work, name="job store", daemon=True)
        self._thread.start()
        return self._connection

    def write(self, changes: Sequence[Change], then: Then) -> None:
        """Make `changes` durable together; `then` is called on the loop, in order, once they are."""
        self._orders.put(_Write(changes, then))

    def read(self, query: Callable[[sqlite3.Connection], Then]) -> None:
        """Run `query` after everything written so far; what it returns is called on the loop, in order."""
        self._orders.put(_Read(query))

    async def run(self, afterwards: Callable[[], None]) -> None:
        """Call what was promised, until cancelled; `afterwards` follows each lot of it."""
        while True:
            if self._outcomes:
                while self._outcomes:
                    self._outcomes.popleft()()
                afterwards()
            self._wake = anyio.Event()
            await self._wake.wait()

    async def close(self) -> None:
        """Store what was handed over, unless the disk refuses; nobody is told any more."""
        self._closing.set()
        self._orders.put(None)
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._thread.join)
        self._connection.close()

    # ── on the writer's thread ────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            orders = [order]
            while len(orders) < BATCH:
                try:
                    order = self._orders.get_nowait()
                except Empty:
                    break
                if order is None:
                    self._carry_out(orders)
                    return
                orders.append(order)
            if not self._carry_out(orders):
                return

    def _carry_out(self, orders: list[_Write | _Read]) -> bool:
        """False where the disk refuses and we are told to close."""
        troubled = False
        while True:
            try:
                outcomes = self._attempt(orders)
            except sqlite3.Error as error:
                self._roll_back()
                if not troubled:
                    troubled = True
                    self._hand_over([partial(self._on_trouble, f"{self._path}: {error}")])
                if self._closing.wait(RETRY_SECONDS):
                    return False
            else:
                well_again = [partial(self._on_trouble, "")] if troubled else []
                self._hand_over([*well_again, *outcomes])
                return True

    def _attempt(self, orders: Iterable[_Write | _Read]) -> list[Then]:
        outcomes: list[Then] = []
        self._connection.execute("BEGIN IMMEDIATE")
        for order in orders:
            match order:
                case _Write(changes, then):
                    for change in changes:
                        save(self._connection, change)
                    outcomes.append(then)
                case _Read(query):
                    outcomes.append(query(self._connection))
        self._connection.execute("COMMIT")
        return outcomes

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            return  # a disk that refuses may refuse this too; the next attempt begins with it again

    def _hand_over(self, outcomes: Iterable[Then]) -> None:
        self._outcomes.extend(outcomes)
        try:
            self._loop.call_soon_threadsafe(self._ring)  # a tenth of what waiting for the loop would cost
        except RuntimeError:
            return  # the loop has ended, and with it everyone who could be told

    def _ring(self) -> None:
        self._wake.set()
