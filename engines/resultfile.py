"""A result that is no short text: written beside the job's other results, and trusted again only if it is as it was."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from engines.contract import CannotAssemble
from engines.partfile import can_go_away
from ipc.errors import Problem
from ipc.work import ResultRow

RESULT_BYTES = 64 * 1024
"""A longer result text is kept in a file."""

_CHUNK_BYTES = 1024 * 1024


def write(path: Path, content: bytes) -> str:
    """Bring `content` to the disk and return its SHA-256 in hex. Where that fails, nothing torn stays.

    A folder that somebody removed is made anew: to wait for it would be to wait for ever.

    Raises:
        OSError
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    return hashlib.sha256(content).hexdigest()


def read_back(row: ResultRow, job: str, step: Callable[[], None]) -> ResultRow:
    """The job's row as a kind assembles it: its file is as it was written, and a text that lay there is its `result`.

    `step` is called for each piece of the file that was read.

    Raises:
        CannotAssemble: the file is missing, damaged or unreadable.
    """
    if not row.file:
        return row
    try:
        with open(row.file, "rb") as file:
            if _digest(file, step) != row.digest:
                raise _lost(row, job, "is not what was written")
            if row.result:
                return row
            file.seek(0)
            return msgspec.structs.replace(row, result=file.read().decode(), file="", digest="")
    except FileNotFoundError as error:
        raise _lost(row, job, "is missing") from error
    except OSError as error:
        raise CannotAssemble(
            Problem(
                "Result unreadable",
                f"The file of unit {row.index} cannot be read: {row.file}: {error.strerror}.",
                "Check the disk and its permissions.",
            ),
            retry=can_go_away(error),
        ) from error


def _digest(file: BinaryIO, step: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
        step()
    return digest.hexdigest()


def _lost(row: ResultRow, job: str, what: str) -> CannotAssemble:
    return CannotAssemble(
        Problem(
            "Result damaged",
            f"The file of unit {row.index} {what}: {row.file}.",
            f"`engineroom job redo {job} '#{row.index}'` makes it again.",
        ),
        retry=False,
    )
