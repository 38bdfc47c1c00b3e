"""Transactions on a file that may be full, locked, damaged, deleted or replaced at any moment. Everything may block.

Each transaction leaves a mark. So after any trouble it is known whether the file holds exactly what we last wrote,
whether the transaction that failed got into it after all, or whether it is another file.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeAlias, TypeVar

from ipc.errors import EngineRoomError
from supervisor.jobs import troubles
from supervisor.jobs.changes import Change
from supervisor.jobs.footing import Footing
from supervisor.jobs.rescue import copy, restore
from supervisor.jobs.saving import save
from supervisor.jobs.schema import JOURNAL_BYTES, connect
from supervisor.jobs.troubles import OtherStore

CHECKED_BYTES = 256 * 1024 * 1024
"""A larger file is not checked when it is first opened: a cold disk reads just so much in a few seconds. Damage in it
is found when it is read."""
LOOK_SECONDS = 0.25
"""At work it is looked so often whether the file is still there and untouched: with each transaction it would cost a
third of them."""
PENDING = 250
"""So many transactions make a long journal."""

T = TypeVar("T")
Then: TypeAlias = Callable[[], None]


@dataclass(frozen=True)
class Write:
    """Changes to be made together, and what to call once they are durable."""

    changes: Sequence[Change]
    then: Then


@dataclass(frozen=True)
class Read:
    """A query that says what to call."""

    query: Callable[[sqlite3.Connection], Then]


Order: TypeAlias = Write | Read


_marks = count(secrets.randbits(60))
"""Of this life of the supervisor, and of no other."""


class Batch:
    """Orders that are committed together."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self.orders = tuple(orders)
        self.mark = next(_marks)
        """What the file says once they are in it."""


@dataclass(frozen=True)
class _Mark:
    number: int
    """How many transactions there were: for people."""
    value: int


class Writer:
    """`open`, `commit` again and again, `close`; by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._footing = Footing(path)
        self._connection: sqlite3.Connection | None = None
        self._mark: _Mark | None = None
        """The last that is known to be stored."""
        self._doubtful = False
        """Whether the file must be opened anew and checked before it is trusted again."""
        self._next_look = 0.0
        """Until then (monotonic seconds) the files are taken to be as they were."""
        self._pending = 0
        """How many transactions are in the journal and not in the file yet."""
        self._missed = False
        """Whether it was told that the file is gone."""
        self._kept: Path | None = None
        """A copy of what was written, made when another file lay at the path."""

    def open(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Take hold of the file, whatever it holds; what `read` finds there, before anything else is written.

        Raises:
            EngineRoomError: it cannot be opened or read, or is damaged.
        """
        try:
            size = self._path.stat().st_size if self._path.exists() else 0
            connection = self._take_hold(None, checked=size <= CHECKED_BYTES)
            found = read(connection)
            self._footing.note()  # reading may have put things in order
        except (sqlite3.Error, OSError, EngineRoomError) as error:
            self.close()
            raise EngineRoomError(troubles.problem_of(error, self._path)) from error
        return found

    def commit(self, batch: Batch) -> list[Then]:
        """Make all of it durable, and say what to call then. Without orders: see to it that the file is there.

        Where it fails, nobody may be told anything, and the same batch has to come again.

        Raises:
            OtherStore: the file at the path is not the one that was written; nothing will help any more.
            sqlite3.Error, OSError, EngineRoomError: not now.
        """
        connection = self._footed(batch)
        if not batch.orders:
            return []
        try:
            return self._transact(connection, batch)
        except (sqlite3.Error, OSError) as error:
            self._doubtful, self._next_look = not troubles.is_passing(error), 0.0
            _roll_back(connection)
            raise

    def close(self) -> None:
        """Let go of the file; `open` takes hold of it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._mark, self._doubtful = None, None, False

    # ── the file ──────────────────────────────────────────────────────────────────────────────────────────

    def _footed(self, batch: Batch) -> sqlite3.Connection:
        """The connection to the file at the path, which was ours and well when somebody last looked."""
        if self._connection is None:
            return self._take_hold(batch.mark, checked=True)
        now = time.monotonic()
        if batch.orders and now < self._next_look and self._pending < PENDING:
            return self._connection
        verdict = self._footing.verdict()
        if verdict == "same" and not self._doubtful:
            self._check_in(self._connection, idle=not batch.orders)
            self._missed, self._next_look = False, now + LOOK_SECONDS
            return self._connection
        if verdict == "gone":
            if not self._missed:  # it is told first, and whoever moves files about gets a moment to finish
                self._missed, self._next_look = True, 0.0
                raise EngineRoomError(troubles.gone(self._path))
            restore(self._connection, self._path)
        if verdict == "replaced" and not self._doubtful:
            self._keep(self._connection)
        self._connection.close()
        self._connection = None
        return self._take_hold(batch.mark, checked=True)

    def _check_in(self, connection: sqlite3.Connection, *, idle: bool) -> None:
        """Put the journal into the file, when there is time for that or when it has become long."""
        long = self._pending >= PENDING or self._footing.journal_bytes > JOURNAL_BYTES
        if long or (idle and self._pending):
            self._pending = 0
            with suppress(sqlite3.Error):  # a disk that refuses is told of by the next transaction
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._footing.note()

    def _keep(self, connection: sqlite3.Connection) -> None:
        assert self._mark is not None, "an open store has a mark"
        kept = self._path.with_name(f"{self._path.name}.until-{self._mark.number}")
        copy(connection, kept)
        self._kept = kept

    def _take_hold(self, attempted: int | None, *, checked: bool) -> sqlite3.Connection:
        try:
            self._footing.clear_way()
            connection = connect(self._path)
            try:
                self._mark = self._recognised(connection, attempted, checked=checked)
            except (sqlite3.Error, EngineRoomError):
                connection.close()
                raise
        finally:
            self._footing.note()
        self._connection = connection
        self._doubtful = self._missed = False
        if self._kept is not None:  # in vain: the file is a copy of ours
            self._kept.unlink(missing_ok=True)
            self._kept = None
        return connection

    def _recognised(self, connection: sqlite3.Connection, attempted: int | None, *, checked: bool) -> _Mark:
        """The mark in the file, which must be ours unless there is none yet."""
        if checked:
            _check(connection, self._path)
        found = _Mark(*connection.execute("SELECT number, mark FROM commits").fetchone())
        if self._mark is not None and found.value not in (self._mark.value, attempted):
            raise OtherStore(troubles.replaced(self._path, self._mark.number, found.number, self._kept))
        return found

    # ── a transaction ─────────────────────────────────────────────────────────────────────────────────────

    def _transact(self, connection: sqlite3.Connection, batch: Batch) -> list[Then]:
        assert self._mark is not None, "an open store has a mark"
        stored = self._mark.value == batch.mark  # by an attempt that seemed to fail
        outcomes: list[Then] = []
        changed = False
        connection.execute("BEGIN IMMEDIATE")
        for order in batch.orders:
            match order:
                case Write(changes, then):
                    for change in () if stored else changes:
                        save(connection, change)
                        changed = True
                    outcomes.append(then)
                case Read(query):
                    outcomes.append(query(connection))
        if changed:
            connection.execute("UPDATE commits SET number = number + 1, mark = ?", (batch.mark,))
        connection.execute("COMMIT")
        if changed:
            self._mark, self._pending = _Mark(self._mark.number + 1, batch.mark), self._pending + 1
        return outcomes


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise EngineRoomError(troubles.damaged(path, found.splitlines()[-1]))


def _roll_back(connection: sqlite3.Connection) -> None:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return  # a disk that refuses may refuse this too; the next attempt begins with it again
