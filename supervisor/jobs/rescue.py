"""A store whose file was deleted, moved or replaced is not lost: the open connection still sees every commit."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def copy(connection: sqlite3.Connection, target: Path) -> None:
    """Write a whole copy, durably, over what may be left of an earlier attempt.

    Raises:
        sqlite3.Error, OSError: not now; to try again is harmless.
    """
    target.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(target),))
    target.chmod(0o600)
    _sync(target)
    _sync(target.parent)


def restore(connection: sqlite3.Connection, path: Path) -> None:
    """Put a whole copy at `path`, durably; never over a file that somebody put there meanwhile. Raises as `copy`."""
    whole = path.with_name(f"{path.name}.restored")
    copy(connection, whole)
    for journal in ("-wal", "-shm"):  # the copy holds what is in them
        path.with_name(f"{path.name}{journal}").unlink(missing_ok=True)
    os.link(whole, path)
    whole.unlink()
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
