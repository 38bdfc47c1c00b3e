"""The screen of one job without the screen: what is known, where the reader is, which lines are in sight. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import JobDetail, JobRow, UnitProblem, UnitRow
from tui.draw import job_numbers, job_runs, job_units
from tui.ink import BLANK, Line, rule
from tui.job_cursor import Cursor, Extent, first_line
from tui.units import Units


class JobView:
    """Numbers, places and runs at the top, then the problems, then the units; only lines in sight are drawn."""

    def __init__(self) -> None:
        self.detail: JobDetail | None = None
        self.units = Units()
        self._cursor = Cursor()
        self._first = 0
        self._room = 0
        self._facts: list[Line] = []
        self.whole = False
        """The pane may take nearly all of the room, not only half."""

    def tell(self, detail: JobDetail) -> None:
        """What `job show` tells, as it is now; the cursor stays on its problem."""
        chosen = self.chosen()
        self.detail = detail
        if isinstance(chosen, UnitProblem):
            same = (
                at for at, one in enumerate(detail.problems) if (one.index, one.where) == (chosen.index, chosen.where)
            )
            self._cursor = Cursor("problems", next(same, self._cursor.index))

    def chosen(self) -> UnitProblem | UnitRow | None:
        """What the cursor is on."""
        match self._cursor:
            case Cursor("problems", index) if self.detail and index < len(self.detail.problems):
                return self.detail.problems[index]
            case Cursor("units", index):
                return self.units.get(index)
            case _:
                return None

    def in_sight(self) -> range:
        """Numbers of the units on screen."""
        return self._extent().units_within(self._first, self._first + self._room)

    # ── moving ──

    def move(self, by: int) -> None:
        """The cursor by so many rows; what stands above its first row is scrolled through."""
        extent, top = self._extent(), self._cursor.part == "top"
        unseen = extent.facts - self._first - self._room
        if top and by > 0 and unseen > 0:
            self._first += min(by, unseen)
        elif top and by < 0:
            self._first = max(0, self._first + by)
        else:
            self._to(self._cursor.move(by, extent))

    def page(self, direction: int) -> None:
        """By as many rows as are in sight."""
        self.move(direction * max(1, self._room - 1))

    def first(self) -> None:
        """The very top."""
        self._to(Cursor())

    def last(self) -> None:
        """The last unit."""
        self._to(Cursor().move(self._extent().problems + self._extent().units, self._extent()))

    def next_part(self) -> None:
        """To the problems, to the units, to the top."""
        self._to(self._cursor.next_part(self._extent()))

    def next_name(self) -> str:
        """Which part is next."""
        return self._cursor.next_part(self._extent()).part

    def find(self, unit: int) -> None:
        """The unit of this number, or the nearest."""
        self._to(Cursor("units", max(0, unit)).settled(self._extent()))

    def press(self, line: int) -> None:
        """The row on this line, which is its key."""
        if (cursor := self._extent().at(line)) is not None:
            self._to(cursor)

    # ── drawing ──

    def lines(self, row: JobRow, now: float, width: int, room: int, models: Sequence[str] = ()) -> list[Line]:
        """The body, in `room` lines; `models` are those that work on it."""
        if self.detail is None:
            return []
        self._room, self._facts = room, self._top(self.detail, row, models, now, width)
        extent = self._extent()
        self._cursor = self._cursor.settled(extent)
        self._first = first_line(extent, self._cursor, self._first, room)
        heads: list[Line] = []
        if self._cursor.part == "units" and extent.heads(self._first) is None and extent.at(self._first) is not None:
            heads = [job_units.units_title(width)]
            self._first = first_line(extent, self._cursor, self._first, max(1, room - 1))
        end = min(extent.lines, self._first + room - len(heads))
        return heads + [self._line(index, extent, self.detail, width) for index in range(self._first, end)]

    def pane(self, width: int, room: int) -> list[Line]:
        """What is said of the row under the cursor, under a rule, in a part of `room`; nothing at the top."""
        chosen = self.chosen()
        room = room - 4 if self.whole else room // 2
        if chosen is None or self.detail is None or room < 3:
            return []
        if isinstance(chosen, UnitProblem):
            told = job_units.problem_pane(chosen, width, room - 1)
        else:
            told = job_units.unit_pane(chosen, self.detail.runs, width)[: room - 1]
            told += [BLANK] * (2 - len(told))
        return [rule(width), *told]

    def _top(self, detail: JobDetail, row: JobRow, models: Sequence[str], now: float, width: int) -> list[Line]:
        return [
            *job_numbers.grid(detail, row, now, width),
            BLANK,
            *job_numbers.places(detail, row, models, width),
            *job_runs.lines(detail.runs, now, width),
        ]

    def _line(self, index: int, extent: Extent, detail: JobDetail, width: int) -> Line:
        if index < extent.facts:
            return self._facts[index]
        if (heading := extent.heads(index)) is not None:
            titled = job_units.problems_title(extent.problems, width)
            return titled if heading == "problems" else job_units.units_title(width)
        at = extent.at(index)
        if at is None:
            return job_units.no_units(width) if index == extent.lines - 1 else BLANK
        lit = at == self._cursor
        if at.part == "problems":
            row = job_units.problem_row(detail.problems[at.index], width, lit)
        else:
            row = job_units.unit_row(at.index, self.units.get(at.index), width, lit)
        return row._replace(key=str(index))

    def _extent(self) -> Extent:
        return Extent(len(self._facts), len(self.detail.problems) if self.detail else 0, self.units.count)

    def _to(self, cursor: Cursor) -> None:
        self._cursor = cursor
        if cursor.part == "top":
            self._first = 0
