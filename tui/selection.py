"""The cursor over engines and jobs, and the marks. Pure; rows are named by keys such as `engine:writer`."""

from __future__ import annotations

from collections.abc import Sequence


class Selection:
    """Keeps the cursor on the same row while rows come and go around it."""

    def __init__(self) -> None:
        self.keys: tuple[str, ...] = ()
        self.cursor: str = ""
        self.marks: set[str] = set()
        self._index = 0

    def offer(self, keys: Sequence[str]) -> None:
        """The rows there are now, in order; a cursor whose row is gone stays at its place in the list."""
        self.keys = tuple(keys)
        self.marks &= set(keys)
        if self.cursor in self.keys:
            self._index = self.keys.index(self.cursor)
        else:
            self._settle(self._index)

    def place(self, keys: int) -> int | None:
        """Where the cursor is counted from behind the first `keys` keys; None where it is among those."""
        return self._index - keys if self.cursor and self._index >= keys else None

    def move(self, by: int) -> None:
        """Down by so many rows, stopping at the ends."""
        self._settle(self._index + by)

    def to(self, key: str) -> None:
        """Onto this row, if it is there."""
        if key in self.keys:
            self._settle(self.keys.index(key))

    def other_list(self) -> None:
        """To the first row of the other kind (engine or job)."""
        kind = self.cursor.partition(":")[0]
        other = next((key for key in self.keys if key.partition(":")[0] != kind), self.cursor)
        self.to(other)

    def toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor, and go on to the next."""
        if self.cursor:
            self.marks ^= {self.cursor}
            self.move(1)

    def targets(self) -> tuple[str, ...]:
        """The marked rows in order, or the one under the cursor."""
        if self.marks:
            return tuple(key for key in self.keys if key in self.marks)
        return (self.cursor,) if self.cursor else ()

    def _settle(self, index: int) -> None:
        self._index = max(0, min(index, len(self.keys) - 1))
        self.cursor = self.keys[self._index] if self.keys else ""


def window(total: int, room: int, cursor: int | None, start: int) -> int:
    """The first row to show of `total` in `room` rows: moved from `start` only as far as the cursor demands."""
    start = max(0, min(start, total - room))
    if cursor is None or room <= 0:
        return start
    return min(max(start, cursor - room + 1), cursor)
