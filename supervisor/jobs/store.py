"""The store's one writer: whatever is handed over while a commit is under way goes into the next one together.

A commit on the disk takes milliseconds, however much is in it, so at work the commits carry each other. Whatever
keeps it from the disk loses nothing: the same batch is tried again until it is stored, and nobody is told before.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

import anyio
from anyio import to_thread

from ipc.errors import EngineRoomError, Problem
from supervisor.jobs.changes import Change
from supervisor.jobs.troubles import OtherStore, problem_of
from supervisor.jobs.writer import Batch, Order, Read, Then, Write, Writer

RETRY_SECONDS = 1.0
LOOK_SECONDS = 1.0
"""How long at most nobody looks whether the file is still there."""
BATCH = 1000
"""At most so many hand-overs in one commit."""

T = TypeVar("T")


class Store:
    """`open`, then `run` beside the rest; `write` and `read` on the loop; `close` at the end."""

    def __init__(self, path: Path, on_trouble: Callable[[Problem | None], None]) -> None:
        """`on_trouble` is called on the loop when nothing can be stored, and with None once it is well."""
        self._path = path
        self._on_trouble = on_trouble
        self._writer = Writer(path)
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._outcomes: deque[Then] = deque()
        self._wake = asyncio.Event()  # anyio's cannot be cleared, and to make one takes longer than a hand-over
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.replaced = anyio.Event()
        """Set when the file is not the one that was written any more: then nothing is stored ever again."""

    async def open(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` finds in the file, before anything is written; where it fails it may be tried again.

        Raises:
            EngineRoomError: the store cannot be opened or read, or is damaged.
        """
        self._loop = asyncio.get_running_loop()
        found = await to_thread.run_sync(self._writer.open, read)
        self._thread = threading.Thread(target=self._work, name="job store", daemon=True)
        self._thread.start()
        return found

    def write(self, changes: Sequence[Change], then: Then) -> None:
        """Make `changes` durable together; `then` is called on the loop, in order, once they are."""
        self._orders.put(Write(changes, then))

    def read(self, query: Callable[[sqlite3.Connection], Then]) -> None:
        """Run `query` after everything written so far; what it returns is called on the loop, in order."""
        self._orders.put(Read(query))

    async def run(self, afterwards: Callable[[], None]) -> None:
        """Call what was promised, until cancelled; `afterwards` follows each lot of it."""
        while True:
            if self._outcomes:
                while self._outcomes:
                    self._outcomes.popleft()()
                afterwards()
            await self._wake.wait()
            self._wake.clear()

    async def close(self) -> None:
        """Store what was handed over, unless the disk refuses; nobody is told any more."""
        if self._thread is None:
            return
        self._closing.set()
        self._orders.put(None)
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._thread.join)
        self._writer.close()

    # ── on the writer's thread ────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        going_on, sound = True, False
        try:
            while going_on:
                orders, going_on = self._next_orders()
                going_on &= self._carry_out(Batch(orders))
            sound = True
        finally:
            if not sound:
                self._hand_over([_collapse])

    def _next_orders(self) -> tuple[list[Order], bool]:
        """What was handed over, nothing after a while without; and whether more may come."""
        orders: list[Order] = []
        try:
            order = self._orders.get(timeout=LOOK_SECONDS)
            while order is not None:
                orders.append(order)
                if len(orders) == BATCH:
                    return orders, True
                order = self._orders.get_nowait()
        except Empty:
            return orders, True
        return orders, False

    def _carry_out(self, batch: Batch) -> bool:
        """False where it cannot be done and we are told to close."""
        told: Problem | None = None
        closing = False
        while True:
            began = time.monotonic()
            try:
                outcomes = self._writer.commit(batch)
            except OtherStore as error:
                self._hand_over([partial(self._on_trouble, error.problem), self.replaced.set])
                self._closing.wait()
                return False
            except sqlite3.IntegrityError:
                raise  # a mistake of ours, that no repetition mends
            except (sqlite3.Error, OSError, EngineRoomError) as error:
                problem = problem_of(error, self._path)
                if problem != told:
                    told = problem
                    self._hand_over([partial(self._on_trouble, problem)])
                if closing:
                    return False
                took = time.monotonic() - began  # checking a large file takes its time: not more than half of ours
                closing = self._closing.wait(max(RETRY_SECONDS, took))
            else:
                well_again = [partial(self._on_trouble, None)] if told is not None else []
                if well_again or outcomes:
                    self._hand_over([*well_again, *outcomes])
                return True

    def _hand_over(self, outcomes: Iterable[Then]) -> None:
        self._outcomes.extend(outcomes)
        try:
            self._loop.call_soon_threadsafe(self._ring)  # a tenth of what waiting for the loop would cost
        except RuntimeError:
            return  # the loop has ended, and with it everyone who could be told

    def _ring(self) -> None:
        self._wake.set()


def _collapse() -> None:
    raise RuntimeError("the job store's thread has died")  # the supervisor must not go on as if all were well
