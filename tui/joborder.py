"""The order in which jobs are listed, kept as rows come and change: no draw sorts. Pure.

Those that run or wait first, by priority and then by number; below them the finished ones, the newest first.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import TypeAlias

from ipc.snapshot import FINISHED, JobRow

Place: TypeAlias = tuple[bool, float, int, str]
"""Where a job stands; the last part is its id."""


class JobOrder:
    """Ids in order. `version` grows whenever one comes, goes or moves, and not when only its numbers change."""

    def __init__(self) -> None:
        self.version = 0
        self._places: list[Place] = []
        self._at: dict[str, Place] = {}

    def replace(self, rows: Iterable[JobRow]) -> None:
        """Only these."""
        self._at = {row.id: place(row) for row in rows}
        self._places = sorted(self._at.values())
        self.version += 1

    def put(self, row: JobRow) -> None:
        """A job as it is now."""
        before, after = self._at.get(row.id), place(row)
        if before == after:
            return
        if before is not None:
            self._take_out(before)
        insort(self._places, after)
        self._at[row.id] = after
        self.version += 1

    def drop(self, id: str) -> None:  # noqa: A002 (the protocol's word)
        """It was cleared."""
        if (before := self._at.pop(id, None)) is not None:
            self._take_out(before)
            self.version += 1

    def ids(self) -> list[str]:
        """All of them, from the top."""
        return [where[-1] for where in self._places]

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """These of them, in the same order."""
        return sorted(ids, key=self._at.__getitem__)

    def _take_out(self, where: Place) -> None:
        del self._places[bisect_left(self._places, where)]


def place(row: JobRow) -> Place:
    """Smaller is higher up."""
    if row.state in FINISHED:
        return True, -(row.finished_unix or 0.0), -number(row.id), row.id
    return False, -row.priority, number(row.id), row.id


def number(id: str) -> int:  # noqa: A002 (the protocol's word)
    """`41` of `gpubox-3-41`; 0 where an id has none."""
    last = id.rpartition("-")[2]
    return int(last) if last.isdecimal() else 0
