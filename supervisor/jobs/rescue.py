"""A store whose file was deleted or moved is written anew: the open connection still sees every commit."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def restore(connection: sqlite3.Connection, path: Path) -> None:
    """Put a whole copy at `path`, durably; never over a file that somebody put there meanwhile.

    Raises:
        sqlite3.Error, OSError: not now; to try again is harmless.
    """
    copy = path.with_name(f"{path.name}.restored")
    copy.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    _sync(copy)
    for journal in ("-wal", "-shm"):  # the copy holds what is in them
        path.with_name(f"{path.name}{journal}").unlink(missing_ok=True)
    os.link(copy, path)
    copy.unlink()
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
