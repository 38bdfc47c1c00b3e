"""A file is read through once before the library reads it: how far that is can be told, and it can be stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil

from engines.contract import CannotLoad, LoadCancelled, Progress
from ipc.errors import Problem

_PIECE_BYTES: Final = 4 * 2**20
"""From the slowest of disks this comes within seconds."""


def warm(path: Path, report: Progress, *, most: float) -> None:
    """Let the machine keep it in memory, which it gives to whoever needs it; `loading` ends at `most` of 1.

    Where that has no room for it, it would be read twice for nothing.

    Raises:
        CannotLoad, LoadCancelled
    """
    try:
        size, read = path.stat().st_size, 0
        if size > psutil.virtual_memory().available:
            return
        with path.open("rb", buffering=0) as file:
            while piece := len(file.read(_PIECE_BYTES)):
                read += piece
                report.loading(most * min(1.0, read / size))
                if report.cancelled():
                    raise LoadCancelled
    except OSError as error:
        raise CannotLoad(
            Problem("Model unreadable", f"{path}: {error.strerror}.", "Look at the disk, or fetch the model again.")
        ) from error
