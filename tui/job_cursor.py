"""Where the reader is in the screen of a job: at its top, on a problem, or on a unit. Pure.

The lines of that screen are the facts, the problems under a heading (where there are any), and the units under one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from tui.selection import window

Part: TypeAlias = Literal["top", "problems", "units"]
HEADING = 2
"""Lines: an empty one, and the heads of the columns."""


@dataclass(frozen=True)
class Extent:
    """So many lines of facts, problems and units."""

    facts: int
    problems: int
    units: int

    @property
    def lines(self) -> int:
        """All there are; without a unit one line says so."""
        return self._units_at + max(1, self.units)

    @property
    def _problems_at(self) -> int:
        return self.facts + HEADING

    @property
    def _units_at(self) -> int:
        return self.facts + HEADING + (HEADING + self.problems if self.problems else 0)

    def line(self, cursor: Cursor) -> int | None:
        """The line of a problem or unit."""
        match cursor.part:
            case "top":
                return None
            case "problems":
                return self._problems_at + cursor.index
            case "units":
                return self._units_at + cursor.index

    def at(self, line: int) -> Cursor | None:
        """The problem or unit on a line; None for facts and headings."""
        if self.problems and self._problems_at <= line < self._problems_at + self.problems:
            return Cursor("problems", line - self._problems_at)
        unit = line - self._units_at
        return Cursor("units", unit) if 0 <= unit < self.units else None

    def heads(self, line: int) -> Part | None:
        """Which heading is on a line."""
        if self.problems and line == self._problems_at - 1:
            return "problems"
        return "units" if line == self._units_at - 1 else None

    def units_within(self, first: int, end: int) -> range:
        """The units on the lines from `first` up to, not including, `end`."""
        return range(max(0, first - self._units_at), min(self.units, max(0, end - self._units_at)))


@dataclass(frozen=True)
class Cursor:
    """At the top there is nothing under it."""

    part: Part = "top"
    index: int = 0

    def move(self, by: int, extent: Extent) -> Cursor:
        """Down by so many rows, from the problems on to the units; up from the first row is the top."""
        return _of_row(max(-1, min(self._row(extent) + by, extent.problems + extent.units - 1)), extent)

    def next_part(self, extent: Extent) -> Cursor:
        """The first row of the next part, after the last of them the top."""
        if self.part == "top" and extent.problems:
            return Cursor("problems")
        return Cursor("units") if self.part != "units" and extent.units else Cursor()

    def settled(self, extent: Extent) -> Cursor:
        """The same row, or the nearest that is still there."""
        many = extent.problems if self.part == "problems" else extent.units
        if self.part == "top" or not many:
            return Cursor()
        return replace(self, index=min(self.index, many - 1))

    def _row(self, extent: Extent) -> int:
        return -1 if self.part == "top" else self.index + (extent.problems if self.part == "units" else 0)


def _of_row(row: int, extent: Extent) -> Cursor:
    if row < 0:
        return Cursor()
    return Cursor("problems", row) if row < extent.problems else Cursor("units", row - extent.problems)


def first_line(extent: Extent, cursor: Cursor, first: int, room: int) -> int:
    """The first line in sight: moved from `first` only as far as the cursor demands, with the heading of its part."""
    line = extent.line(cursor)
    if line is None:
        return window(extent.lines, room, None, first)
    if cursor.index == 0:
        first = min(first, line - 1)
    return window(extent.lines, room, line, first)
