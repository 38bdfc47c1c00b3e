"""What keeps the store from working, said to a person: a full disk, another program, damage, another file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ipc.errors import EngineRoomError, Problem

FULL_BYTES = 256 * 1024
"""A disk with less free than this is called full: SQLite tells some of its needs there as mere I/O errors."""

_PASSING = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED")
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_BY_THEMSELVES = "jobs go on by themselves."


class OtherStore(EngineRoomError):
    """Raised when the file at the path is not the one that was written."""


def is_passing(error: Exception) -> bool:
    """Whether the error says that the file is well and only cannot be written just now."""
    return _name(error).startswith(_PASSING)


def problem_of(error: Exception, path: Path) -> Problem:
    """The sentence, and the way out. Looks at the disk, so it may block."""
    if isinstance(error, EngineRoomError):
        return error.problem
    name = _name(error)
    if name.startswith("SQLITE_FULL") or (not name.startswith(_DAMAGE) and _free_bytes(path) < FULL_BYTES):
        return Problem("Disk full", f"{path}: its disk is full.", f"Make room there; {_BY_THEMSELVES}")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Problem(
            "Jobs locked",
            f"{path} is locked by another program.",
            f"End that program (`fuser -v {path}` names it); {_BY_THEMSELVES}",
        )
    if name.startswith(_DAMAGE):
        return damaged(path, str(error))
    return Problem(
        "Jobs out of reach", f"{path}: {error}.", f"Make room, or mend its permissions or its disk; {_BY_THEMSELVES}"
    )


def damaged(path: Path, how: str) -> Problem:
    """The file does not hold together; `how` is SQLite's word for it."""
    return Problem(
        "Jobs damaged",
        f"{path} is damaged: {how.rstrip('.')}.",
        "Put a backup in its place, or move the file away (then no job is known); it is tried again every few seconds.",
    )


def gone(path: Path) -> Problem:
    """The file was deleted or moved while it was open."""
    return Problem(
        "Jobs file gone",
        f"{path} was deleted or moved while it was in use.",
        "It is written anew from what is still open; nothing is lost.",
    )


def replaced(path: Path, ours: int, theirs: int, kept: Path | None) -> Problem:
    """Another file is at the path; each ends with the transaction of that number. `kept` is a copy of ours."""
    rest = "what it lacks is only in the file that was there before" if kept is None else f"ours is kept as {kept}"
    return Problem(
        "Jobs replaced",
        f"{path} was replaced while it was in use: what is there now ends with transaction {theirs}, ours with {ours};"
        f" {rest}.",
        "This supervisor ends, so that another takes up what is there; where nobody keeps it, do that by hand:"
        " `engineroom down`, then `engineroom up`.",
    )


def _name(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", "")) if isinstance(error, sqlite3.Error) else ""


def _free_bytes(path: Path) -> float:
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return float("inf")
    return disk.f_bavail * disk.f_frsize
