"""A stretch of a JSON-lines file at a cursor, so that a huge file is never held in memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engines.contract import CannotPlan, Planning
from ipc.errors import Problem, RequestFailed
from ipc.work import PlannedUnit, SourceProblem

LINE_BYTES = 1024 * 1024
"""A longer line is set aside."""
STRETCH_BYTES = 4 * 1024 * 1024
"""One stretch ends once it has read so much, well below the largest message a desk may send."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """One line that holds something; `where` names it for a person."""

    text: bytes
    number: int
    where: str


def stretch(source: Path, cursor: str, limit: int, unit: Callable[[Line], PlannedUnit]) -> Planning:
    """Up to `limit` lines of `source` from `cursor` on, each made a unit by `unit`, or set aside if that refuses.

    Raises:
        CannotPlan: the file is missing, unreadable, no regular file, or shorter than the cursor.
    """
    offset, _, lines = (cursor or "0:0").partition(":")
    try:
        _check(source, source.stat(), int(offset))
        with source.open("rb") as file:
            file.seek(int(offset))
            return _read(source, file, int(lines), limit, unit)
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


def _read(source: Path, file: BinaryIO, number: int, limit: int, unit: Callable[[Line], PlannedUnit]) -> Planning:
    start = file.tell()
    units: list[PlannedUnit] = []
    problems: list[SourceProblem] = []
    end = False
    while len(units) + len(problems) < limit and file.tell() - start < STRETCH_BYTES:
        text = file.readline(LINE_BYTES + 1)
        if not text:
            end = True
            break
        number += 1
        where = f"{source.name} line {number}"
        if number == 1:
            text = text.removeprefix(_BYTE_ORDER_MARK)
        if len(text) > LINE_BYTES and not text.endswith(b"\n"):
            _skip_line(file)
            problems.append(SourceProblem(where, Problem("Line too long", f"{where} is over 1 MiB.", "Split it.")))
        elif text.strip():
            try:
                units.append(unit(Line(text, number, where)))
            except RequestFailed as error:
                title, detail, hint = error.problem.title, error.problem.detail, error.problem.hint
                problems.append(SourceProblem(where, Problem(title, f"{where}: {detail}", hint)))
    return Planning(tuple(units), tuple(problems), f"{file.tell()}:{number}", end)


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
