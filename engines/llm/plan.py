"""From prompts.jsonl to units: a stretch at a time, at a cursor, so that a huge file is never held in memory."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

import msgspec

from engines.contract import CannotPlan, Planning
from engines.llm.request import parse
from engines.settings import EngineSettings
from ipc.errors import Problem, RequestFailed
from ipc.work import PlannedUnit, SourceProblem

LINE_BYTES = 1024 * 1024
"""A longer line is set aside."""
STRETCH_BYTES = 4 * 1024 * 1024
"""One stretch ends once it has read so much, well below the largest message a desk may send."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Cursor(msgspec.Struct, frozen=True):
    """Where to read on: `offset` in bytes, and how many lines lie before it."""

    offset: int
    lines: int

    def text(self) -> str:
        return f"{self.offset}:{self.lines}"


def plan(source: Path, cursor: str, limit: int, settings: EngineSettings) -> Planning:
    """Up to `limit` units of `source` from `cursor` on, and the lines that cannot become one.

    Raises:
        CannotPlan: the file is missing, unreadable, no regular file, or shorter than the cursor.
    """
    offset, _, lines = (cursor or "0:0").partition(":")
    start = Cursor(int(offset), int(lines))
    try:
        _check(source, source.stat(), start)
        with source.open("rb") as file:
            return _stretch(source, file, start, limit)
    except OSError as error:
        raise CannotPlan(
            Problem("Source unreadable", f"{source}: {error.strerror}.", "Check the path and its permissions.")
        ) from error


def _check(source: Path, status: os.stat_result, start: Cursor) -> None:
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
        raise CannotPlan(
            Problem("Source unreadable", f"{source} is not a regular file.", "Write the prompts into a file first.")
        )
    if status.st_size < start.offset:
        raise CannotPlan(
            Problem(
                "Source changed",
                f"{source} ends at byte {status.st_size}, but {start.offset} bytes of it were planned already.",
                "Submit the job again.",
            )
        )


def _stretch(source: Path, file: BinaryIO, start: Cursor, limit: int) -> Planning:
    file.seek(start.offset)
    units: list[PlannedUnit] = []
    problems: list[SourceProblem] = []
    number = start.lines
    end = False
    while len(units) + len(problems) < limit and file.tell() - start.offset < STRETCH_BYTES:
        line = file.readline(LINE_BYTES + 1)
        if not line:
            end = True
            break
        number += 1
        where = f"{source.name} line {number}"
        if len(line) > LINE_BYTES and not line.endswith(b"\n"):
            _skip_line(file)
            problems.append(
                SourceProblem(where, Problem("Line too long", f"{where} is over 1 MiB.", "Split it into several."))
            )
            continue
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line.strip():
            continue
        try:
            units.append(_unit(line, number, where))
        except RequestFailed as error:
            problem = error.problem
            problems.append(
                SourceProblem(where, Problem(problem.title, f"{where}: {problem.detail}", problem.hint)),
            )
    return Planning(tuple(units), tuple(problems), Cursor(file.tell(), number).text(), end)


def _unit(line: bytes, number: int, where: str) -> PlannedUnit:
    request = parse(line)
    if request.id is None:
        request = msgspec.structs.replace(request, id=str(number))
    return PlannedUnit(msgspec.json.encode(request).decode(), where, str(request.id))


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
