"""The units of one job, as far as they were asked for: page by page, when they come in sight. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import UnitRow

PAGE = 1000
KEPT_PAGES = 12
"""Pages in memory; those that came first go first."""


class Units:
    """Units by number, from 0 on. `count` is how many there are as far as is known; without any page, none."""

    def __init__(self) -> None:
        self.count = 0
        self._pages: dict[int, dict[int, UnitRow]] = {}
        self._total: int | None = None
        self._seen = 0

    def tell_total(self, total: int | None) -> None:
        """How many units the job has; None while it is being planned."""
        self._total = total
        self._count()

    def get(self, index: int) -> UnitRow | None:
        """The unit, if its page is there."""
        return self._pages.get(index // PAGE, {}).get(index)

    def missing(self, first: int, end: int) -> list[int]:
        """Pages that are needed to show the units from `first` up to, not including, `end`; always the very first."""
        wanted = range(max(0, first) // PAGE, (max(1, end) - 1) // PAGE + 1)
        return [page for page in wanted if page not in self._pages]

    def take(self, page: int, rows: Sequence[UnitRow], last: bool) -> None:
        """A page came; `last` when no unit follows on it."""
        self._pages.pop(page, None)
        self._pages[page] = {row.index: row for row in rows}
        while len(self._pages) > KEPT_PAGES:
            del self._pages[next(iter(self._pages))]
        self._seen = max(self._seen, page * PAGE + len(rows) + (0 if last else 1))
        self._count()

    def renew(self, rows: Sequence[UnitRow]) -> None:
        """Some of them as they are now; only where their page is there."""
        for row in rows:
            if row.index // PAGE in self._pages:
                self._pages[row.index // PAGE][row.index] = row
        self._seen = max(self._seen, *(row.index + 1 for row in rows), 0)
        self._count()

    def _count(self) -> None:
        self.count = self._seen if self._total is None else self._total
