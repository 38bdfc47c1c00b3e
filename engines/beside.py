"""Files beside an output that belong to it: subtitles, say. A job may only replace what it wrote itself.

They are placed before the output is: one that is in its place has what belongs beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from engines.contract import CannotAssemble
from engines.partfile import become, job_of
from ipc.errors import Problem


class Marked:
    """A text file that begins with words that only this job writes."""

    def __init__(self, part: Path, path: Path, mark: str) -> None:
        """`part` is the output's. Raises CannotAssemble: a file that is none of this job's lies there. OSError"""
        self.path = path
        self._mark = mark.encode()
        self._part = _hidden(path, job_of(part), "part")
        self.check()

    def place(self, pieces: Iterable[str]) -> None:
        """Bring this text, which begins with the mark, to the disk in one stroke.

        Raises:
            CannotAssemble: a file that is none of this job's lies there. OSError
        """
        lying = self.check()
        _write(self._part, pieces)
        _name(self._part, self.path, replaces=lying)

    def check(self) -> bool:
        """Whether a file of this job's lies there. Raises CannotAssemble: something else does. OSError"""
        if not _lies(self.path):
            return False
        with self.path.open("rb") as file:
            begin = file.read(len(self._mark))
        if begin != self._mark:
            raise _somebody_else_s(self.path)
        return True


class Vouched:
    """A text file of a form that has no room for a mark; a hidden file beside it (`.NAME.JOB.mark`) holds its SHA-256.

    So it is replaced only as this job left it: nor is what a person has changed in it since.
    """

    def __init__(self, part: Path, path: Path) -> None:
        """`part` is the output's. Raises CannotAssemble: a file that is none of this job's lies there. OSError"""
        self.path = path
        self._part = _hidden(path, job_of(part), "part")
        self._voucher = _hidden(path, job_of(part), "mark")
        self.check()

    def place(self, pieces: Iterable[str]) -> None:
        """Bring this text to the disk in one stroke.

        Raises:
            CannotAssemble: a file that is none of this job's lies there. OSError
        """
        lying = self.check()
        digest = _write(self._part, pieces)
        new = self._voucher.with_name(f"{self._voucher.name}.part")
        _write(new, (f"{one}\n" for one in (lying, digest) if one))  # a crash between the two renames leaves either
        new.replace(self._voucher)
        _name(self._part, self.path, replaces=bool(lying))

    def check(self) -> str:
        """The SHA-256 of the file that lies there; empty when there is none.

        Raises:
            CannotAssemble: it is none of this job's. OSError
        """
        if not _lies(self.path):
            return ""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with contextlib.suppress(FileNotFoundError):
            if digest in self._voucher.read_text().split():
                return digest
        raise _somebody_else_s(self.path)


def sweep(outputs: Iterable[str], job: str, *, cleared: bool) -> None:
    """Remove what a job left hidden beside its outputs, as far as that can be done: what was not finished, and where it
    is `cleared`, so that it replaces nothing any more, also what vouches for files."""
    endings = (f".{job}.part", f".{job}.mark.part", *([f".{job}.mark"] if cleared else []))
    names: dict[Path, set[str]] = {}
    for path in map(Path, outputs):
        names.setdefault(path.parent, set()).update((path.name, path.stem))
    for folder, known in names.items():
        with contextlib.suppress(OSError):
            for name in [name for name in os.listdir(folder) if name.startswith(".") and name.endswith(endings)]:
                ending = next(ending for ending in endings if name.endswith(ending))
                if _is_beside(name.removeprefix(".").removesuffix(ending), known):
                    (folder / name).unlink(missing_ok=True)


def _is_beside(name: str, outputs: Collection[str]) -> bool:
    """Whether it is the name of an output, with its suffix or without, and more after a dot."""
    while name := name.rpartition(".")[0]:
        if name in outputs:
            return True
    return False


def _hidden(path: Path, job: str, what: str) -> Path:
    return path.with_name(f".{path.name}.{job}.{what}")


def _lies(path: Path) -> bool:
    """Whether a file lies there. Raises CannotAssemble: something that is none does, a folder say. OSError"""
    if not path.is_file() and os.path.lexists(path):
        raise _somebody_else_s(path)
    return path.is_file()


def _name(part: Path, path: Path, *, replaces: bool) -> None:
    """Raises CannotAssemble: somebody made something there meanwhile. OSError"""
    try:
        if replaces:
            part.replace(path)
        else:
            become(part, path)
    except (FileExistsError, IsADirectoryError) as error:
        part.unlink()
        raise _somebody_else_s(path) from error


def _write(part: Path, pieces: Iterable[str]) -> str:
    """The SHA-256 of what is on the disk then. Raises OSError: nothing torn stays."""
    digest = hashlib.sha256()
    try:
        part.unlink(missing_ok=True)  # after a crash it may be another name of the file that lies in its place
        with part.open("xb") as file:
            for piece in pieces:
                data = piece.encode()
                file.write(data)
                digest.update(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def _somebody_else_s(path: Path) -> CannotAssemble:
    return CannotAssemble(
        Problem("Output exists", f"{path} was made or changed by somebody else.", "Move it away."), retry=True
    )
