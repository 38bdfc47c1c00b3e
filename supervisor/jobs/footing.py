"""The files under the open store: whether they are still those that were opened, and whose journal lies beside them.

SQLite itself goes on writing into a file that was deleted or moved, and would apply an old journal to a new file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["same", "touched", "gone", "replaced"]
"""`touched`: the file is the same, but somebody else wrote into it, or its journal is another."""


@dataclass(frozen=True)
class _File:
    place: tuple[int, int]
    """Device and inode."""
    changed_ns: int
    size_bytes: int


class Footing:
    """Compares the files with how they were last noted. Every method is a look at the disk and may block."""

    def __init__(self, path: Path) -> None:
        self._path, self._journal = str(path), f"{path}-wal"
        self._file: _File | None = None
        self._log: _File | None = None

    @property
    def journal_bytes(self) -> int:
        """The journal's size when it was noted."""
        return 0 if self._log is None else self._log.size_bytes

    def note(self) -> None:
        """They are as they should be."""
        self._file, self._log = _look(self._path), _look(self._journal)

    def verdict(self) -> Verdict:
        """What became of them since they were noted."""
        file, log = _look(self._path), _look(self._journal)
        if file is None:
            return "gone"
        if _place(file) != _place(self._file):
            return "replaced"
        return "same" if file == self._file and _place(log) == _place(self._log) else "touched"

    def clear_way(self) -> None:
        """Before the file is opened: set a journal aside that belongs to a file which is not there any more."""
        file, log = _look(self._path), _look(self._journal)
        if log is None or not log.size_bytes:
            return
        headless = file is None or not file.size_bytes
        another = self._file is not None and _place(file) != _place(self._file)
        left_over = another and _place(log) == _place(self._log)
        if headless or left_over:
            os.rename(self._journal, f"{self._journal}.aside-{log.place[1]}")


def _look(path: str) -> _File | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return _File((status.st_dev, status.st_ino), status.st_mtime_ns, status.st_size)


def _place(file: _File | None) -> tuple[int, int] | None:
    return None if file is None else file.place
