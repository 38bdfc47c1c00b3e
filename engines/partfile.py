"""The part file an assembly writes: whose it is, its beginning, its way to the disk, and which failures can pass."""

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


def output_of(part: Path) -> Path:
    """What a part file (`.vectors.npy.JOB.part`) will be called."""
    return part.with_name(_named(part)[0])


def job_of(part: Path) -> str:
    """The id of the job whose part file this is."""
    return _named(part)[1]


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


def become(part: Path, path: Path) -> None:
    """Give `part` its name, where nothing has it yet: a file made there at this very moment is not lost.

    Raises:
        FileExistsError: something has it. OSError
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        part.replace(path)  # no hard links here
    else:
        part.unlink()


def can_go_away(error: OSError) -> bool:
    """Whether a person can mend the cause, and trying again helps then."""
    return error.errno in _CAN_GO_AWAY


def not_written(part: Path, error: OSError) -> CannotAssemble:
    """The sentence for a failure of the operating system to write `part`."""
    return CannotAssemble(
        Problem("Output not written", f"{part.parent}: {error.strerror}.", "Make room or allow writing there."),
        retry=can_go_away(error),
    )


def _named(part: Path) -> tuple[str, str]:
    """The output's name, and the job's id, which holds no dot."""
    name, _, job = part.name.removeprefix(".").removesuffix(".part").rpartition(".")
    return name, job
