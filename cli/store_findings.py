"""What `doctor` finds about the job store: whether it holds together, how large it is, and the room on its disk."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from cli import words
from cli.finding import Finding

WHAT = "job store"
CHECKED_BYTES = 2**30
"""A cold disk takes too long over a larger one for somebody who waits."""
LOCK_SECONDS = 1.0


def finding(path: Path) -> Finding:
    """Looks through the file without writing; a supervisor may be at work in it."""
    try:
        size, free = _size_bytes(path), _free_bytes(path.parent)
    except FileNotFoundError:
        return Finding(WHAT, "ok", f"{path} will be made with the first job.")
    except OSError as error:
        return Finding(WHAT, "bad", f"{path} cannot be looked at: {error.strerror}.", "Mend its permissions.")
    amount = f"{path}, {words.size(size)}, {words.size(free)} free on its disk"
    if size > CHECKED_BYTES:
        return Finding(WHAT, "ok", f"{amount}; too large to look through here", f"sqlite3 {path} 'PRAGMA quick_check'")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            text = f"{amount}; another program has locked it, so it was not looked through."
            return Finding(WHAT, "warn", text, f"`fuser -v {path}` names that program.")
        found = str(error)
    if found != "ok":
        text = f"{path} is damaged: {found.splitlines()[-1].rstrip('.')}."
        return Finding(WHAT, "bad", text, "Put a backup in its place, or move the file away (then no job is known).")
    return Finding(WHAT, "ok", f"{amount}; it holds together")


def _size_bytes(path: Path) -> int:
    """With what is still in its journal."""
    journal = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (journal.stat().st_size if journal.exists() else 0)


def _free_bytes(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
