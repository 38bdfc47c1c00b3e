"""The part file an assembly writes: begun empty, synced at the end, and which failures can go away by themselves."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from engines.contract import CannotAssemble
from ipc.errors import Problem

_CAN_GO_AWAY = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EIO, errno.ESTALE}
)
"""A full or read-only disk, missing rights, a folder that is not mounted: a person mends these, then it goes on."""


def begin(part: Path) -> None:
    """Make `part` an empty file. Raises OSError."""
    with part.open("wb"):
        pass


def sync(part: Path) -> int:
    """Bring `part` to the disk and return its size in bytes. Raises OSError."""
    descriptor = os.open(part, os.O_RDWR)
    try:
        os.fsync(descriptor)  # a disk that filled up behind the file system's back says so here
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def can_go_away(error: OSError) -> bool:
    """Whether a person can mend the cause, and trying again helps then."""
    return error.errno in _CAN_GO_AWAY


def not_written(part: Path, error: OSError) -> CannotAssemble:
    """The sentence for a failure of the operating system to write `part`."""
    return CannotAssemble(
        Problem("Output not written", f"{part.parent}: {error.strerror}.", "Make room or allow writing there."),
        retry=can_go_away(error),
    )
