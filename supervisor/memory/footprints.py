"""What loads were measured to take, and which settings ran out of memory: learned once, used at every load after.

Kept in SQLite beside the jobs. It is looked up in memory; what is new is written by a thread, once a second.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio import to_thread
from msgspec.structs import replace

from ipc.snapshot import FootprintRow

_TABLES = """
CREATE TABLE IF NOT EXISTS footprints (
    kind TEXT, identity TEXT, shape TEXT, gpu TEXT, model TEXT NOT NULL, quantization TEXT,
    peak_bytes INTEGER NOT NULL, load_seconds REAL NOT NULL, loads INTEGER NOT NULL, measured_unix REAL NOT NULL,
    PRIMARY KEY (kind, identity, shape, gpu)
);
CREATE TABLE IF NOT EXISTS ran_out (
    kind TEXT, identity TEXT, shape TEXT, gpu TEXT, at_unix REAL NOT NULL,
    PRIMARY KEY (kind, identity, shape, gpu)
);
"""
_WRITE_SECONDS = 1.0
_WORTH_KEEPING = 1.01
"""A peak is kept again once it has grown by so much."""


@dataclass(frozen=True, slots=True)
class Key:
    """One load: `identity` is the model's own, `shape` the settings memory depends on, `gpu` the GPU's model, empty
    for the host's memory."""

    kind: str
    identity: str
    shape: str
    gpu: str


class Footprints:
    """`open` once, `run` beside the rest; everything else returns at once."""

    def __init__(self, path: Path, on_trouble: Callable[[str], None]) -> None:
        """`on_trouble` is told, once, why nothing can be kept."""
        self._path = path
        self._on_trouble = on_trouble
        self._troubled = False
        self._known: dict[Key, FootprintRow] = {}
        self._ran_out: set[Key] = set()
        self._news: dict[Key, FootprintRow] = {}
        self._fresh: set[Key] = set()
        self._forgotten: set[tuple[str, str]] = set()

    async def open(self) -> None:
        """Read what is known; a file that cannot be read is said, and does without."""
        try:
            await to_thread.run_sync(self._read)
        except (sqlite3.Error, OSError) as error:
            self._trouble(error)

    async def run(self) -> None:
        """Write what is new, until cancelled."""
        while True:
            await anyio.sleep(_WRITE_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what is new."""
        news, fresh, forgotten = self._news, self._fresh, self._forgotten
        if not (news or fresh or forgotten):
            return
        self._news, self._fresh, self._forgotten = {}, set(), set()
        try:
            await to_thread.run_sync(self._write, news, fresh, forgotten)
        except (sqlite3.Error, OSError) as error:
            self._trouble(error)

    def rows(self) -> tuple[FootprintRow, ...]:
        """Everything learned, the largest first."""
        return tuple(sorted(self._known.values(), key=lambda row: -row.peak_bytes))

    def peak_bytes(self, key: Key) -> int | None:
        """The highest that was ever measured; None before the first load."""
        row = self._known.get(key)
        return None if row is None else row.peak_bytes

    def load_seconds(self, key: Key) -> float | None:
        """What its last load took."""
        row = self._known.get(key)
        return None if row is None else row.load_seconds

    def loaded(self, key: Key, model: str, quantization: str | None, count: int, seconds: float) -> None:
        """A load has ended, in so many seconds and with so many bytes held."""
        known = self._known.get(key)
        peak, loads = (known.peak_bytes, known.loads) if known else (0, 0)
        self._keep(
            key,
            FootprintRow(
                key.kind, model, quantization, key.shape, key.gpu, max(peak, count), seconds, loads + 1, time.time()
            ),
        )

    def measured(self, key: Key, count: int) -> None:
        """So many bytes are held just now."""
        known = self._known.get(key)
        if known is not None and count > known.peak_bytes * _WORTH_KEEPING:
            self._keep(key, replace(known, peak_bytes=count, measured_unix=time.time()))

    def note_ran_out(self, key: Key) -> None:
        """These settings ran out of memory there: never the same again, until the operator says so."""
        self._ran_out.add(key)
        self._fresh.add(key)

    def ran_out(self, key: Key) -> bool:
        """Whether these settings ran out of memory there."""
        return key in self._ran_out

    def forget_ran_out(self, kind: str, identity: str) -> int:
        """Forget it for this model on every GPU; how many were forgotten."""
        gone = {key for key in self._ran_out if (key.kind, key.identity) == (kind, identity)}
        self._ran_out -= gone
        self._fresh -= gone
        self._forgotten.add((kind, identity))
        return len(gone)

    def _keep(self, key: Key, row: FootprintRow) -> None:
        self._known[key] = self._news[key] = row

    def _trouble(self, error: Exception) -> None:
        if not self._troubled:
            self._on_trouble(f"{self._path.name} cannot be used: {error}. What is measured is forgotten at the end.")
        self._troubled = True

    # ── in a thread ───────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> None:
        with closing(sqlite3.connect(self._path)) as connection:
            connection.executescript(_TABLES)
            for kind, identity, shape, gpu, *rest in connection.execute("SELECT * FROM footprints"):
                model, quantization, *numbers = rest
                key = Key(kind, identity, shape, gpu)
                self._known[key] = FootprintRow(kind, model, quantization, shape, gpu, *numbers)
            self._ran_out = {Key(*row) for row in connection.execute("SELECT kind, identity, shape, gpu FROM ran_out")}

    def _write(self, news: dict[Key, FootprintRow], fresh: Iterable[Key], forgotten: Iterable[tuple[str, str]]) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.executescript(_TABLES)
            connection.executemany("DELETE FROM ran_out WHERE kind = ? AND identity = ?", list(forgotten))
            connection.executemany(
                "INSERT OR REPLACE INTO footprints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (k.kind, k.identity, k.shape, k.gpu, r.model, r.quantization, r.peak_bytes, r.load_seconds)
                    + (r.loads, r.measured_unix)
                    for k, r in news.items()
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO ran_out VALUES (?, ?, ?, ?, ?)",
                [(k.kind, k.identity, k.shape, k.gpu, time.time()) for k in fresh],
            )
