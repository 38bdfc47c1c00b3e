"""A stretch of a JSON-lines file at a cursor, so that a huge file is never held in memory.

A unit is one line, or several lines in a row. Where it ends depends on what follows its beginning and on nothing
before that, so planning from the `start` of any unit gives the same units from there on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engines.contract import CannotPlan, Planning
from engines.lines import Line, Lines, Place
from ipc.errors import Problem, RequestFailed
from ipc.work import PlannedUnit, SourceProblem

STRETCH_BYTES = 4 * 1024 * 1024
"""One stretch ends with the unit in which it has read so much, well below the largest message a desk may send."""
UNIT_BYTES = 1024 * 1024
"""So much of the source a unit of several lines may span; a line that ends beyond begins the next one."""
UNIT_PROBLEMS = 1000
"""A unit ends early when so many lines within it were set aside, which bounds the answer too."""


@dataclass(frozen=True)
class Entry:
    """What a kind makes of a line: the payload, JSON text, and the id that people know it by.

    `extent` is how long the recording is that it belongs to, in seconds of audio; None where it belongs to none.
    """

    payload: str
    name: str
    extent: float | None = None


def stretch(source: Path, cursor: str, limit: int, entry: Callable[[bytes, int], Entry], lines: int = 1) -> Planning:
    """Up to `limit` units of `source` from `cursor` on, each of up to `lines` lines.

    `entry` gets a line that holds something and its number; one that it refuses with RequestFailed is set aside. The
    payload of a unit of several lines is the JSON list of theirs, its name and extent those of the first.

    Raises:
        CannotPlan: the file is missing, unreadable, no regular file, or shorter than the cursor.
    """
    try:
        place = Place.at(cursor)
        _check(source, source.stat(), place.offset)
        with source.open("rb") as file:
            reading = _Reading(source.name, Lines(file, place), entry, lines)
            reading.stretch(limit)
            return reading.planning(os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise CannotPlan(
            Problem("Source unreadable", f"{source}: {error.strerror}.", "Check the path and its permissions.")
        ) from error


def _check(source: Path, status: os.stat_result, offset: int) -> None:
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
        raise CannotPlan(
            Problem("Source unreadable", f"{source} is not a regular file.", "Write its lines into a file first.")
        )
    if status.st_size < offset:
        raise CannotPlan(
            Problem(
                "Source changed",
                f"{source} ends at byte {status.st_size}, but {offset} bytes of it were planned already.",
                "Submit the job again.",
            )
        )


class _Reading:
    """One stretch while it is read."""

    def __init__(self, name: str, lines: Lines, entry: Callable[[bytes, int], Entry], per_unit: int) -> None:
        self._name = name
        self._lines = lines
        self._entry = entry
        self._per_unit = per_unit
        self._units: list[PlannedUnit] = []
        self._problems: list[SourceProblem] = []
        self._begun = 0
        """Units of this stretch, the one being read included."""
        self._end = False

    def stretch(self, limit: int) -> None:
        """Read until there are so many units and problems, or enough bytes, or the file ends."""
        begin = self._lines.place.offset
        while len(self._units) + len(self._problems) < limit and self._lines.place.offset - begin < STRETCH_BYTES:
            if (line := self._next()) is None:
                return
            if (first := self._taken(line)) is not None:
                self._begun += 1
                self._units.append(self._unit(line, first))

    def planning(self, size: int) -> Planning:
        """What was read of a file of so many bytes."""
        offset = self._lines.place.offset
        share = 1.0 if self._end or offset >= size else offset / size
        return Planning(tuple(self._units), tuple(self._problems), self._lines.place.cursor(), self._end, share)

    def _next(self) -> Line | None:
        line = self._lines.next()
        self._end = line is None
        return line

    def _unit(self, first: Line, entry: Entry) -> PlannedUnit:
        payloads, last, problems = [entry.payload], first, len(self._problems)
        while len(payloads) < self._per_unit and len(self._problems) - problems < UNIT_PROBLEMS:
            if (line := self._next()) is None:
                break
            if line.end.offset - first.begin.offset > UNIT_BYTES:
                self._lines.back(line.begin)
                break
            if (more := self._taken(line)) is not None:
                payloads.append(more.payload)
                last = line
        payload = payloads[0] if len(payloads) == 1 else f"[{','.join(payloads)}]"
        where = f"line {first.number}" if first is last else f"lines {first.number}–{last.number}"
        return PlannedUnit(payload, f"{self._name} {where}", entry.name, first.begin.cursor(), entry.extent)

    def _taken(self, line: Line) -> Entry | None:
        """What the line becomes; None where it holds nothing or is set aside."""
        where = f"{self._name} line {line.number}"
        if line.text is None:
            self._set_aside(where, Problem("Line too long", f"{where} is over 1 MiB.", "Split it."))
        elif line.text.strip():
            try:
                return self._entry(line.text, line.number)
            except RequestFailed as error:
                title, detail, hint = error.problem.title, error.problem.detail, error.problem.hint
                self._set_aside(where, Problem(title, f"{where}: {detail}", hint))
        return None

    def _set_aside(self, where: str, problem: Problem) -> None:
        self._problems.append(SourceProblem(where, problem, self._begun))
