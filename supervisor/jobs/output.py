"""A job's output on the disk: whether it can be written, and its move into place. Everything here may block."""

from __future__ import annotations

import os
from pathlib import Path

from engines.partfile import become
from ipc.errors import Problem, RequestFailed


class CannotPlace(RequestFailed):
    """Raised when the finished part file cannot become the output now; trying again later can help."""


class PartMissing(Exception):
    """Raised when neither the part file nor the output that it became is there."""


def part_of(output: str, job: str) -> Path:
    """Where the output is written until it is whole: in the same folder, so that a rename suffices."""
    path = Path(output)
    return path.with_name(f".{path.name}.{job}.part")


def probe(outputs: tuple[str, ...], folder: str, job: str, beside: tuple[str, ...] = ()) -> None:
    """Refuse what cannot end well, before it costs anything; `folder` is made if there is none (empty: no folder).

    `beside` are further files that will be written.

    Raises:
        RequestFailed: an output is there already, or cannot be written.
    """
    taken = next((output for output in (*outputs, *beside) if os.path.lexists(output)), None)
    if taken is not None:
        raise RequestFailed(
            Problem("Output exists", f"{taken} is there already.", "Move it away, or name another output.")
        )
    part = part_of(outputs[0], job)
    try:
        if folder:
            Path(folder).mkdir(exist_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        part.unlink()
    except OSError as error:
        raise RequestFailed(
            Problem("Output not writable", f"{part.parent}: {error.strerror}.", "Name a folder that can be written.")
        ) from error


def identity(path: Path) -> str:
    """What a file keeps when it is renamed, and loses when anybody changes it. Raises OSError."""
    status = path.stat()
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def place(output: str, job: str, ours: tuple[str, ...]) -> None:
    """Make the part file with the last identity in `ours` the output, durably; to repeat it is harmless.

    An earlier output of ours, known by the other identities, is replaced.

    Raises:
        PartMissing: it has to be assembled again.
        CannotPlace: something else is at the output's place, or the folder cannot be written.
    """
    part, path, placed = part_of(output, job), Path(output), ours[-1]
    try:
        if _is(path, placed):  # renamed before a crash
            part.unlink(missing_ok=True)
        elif not _is(part, placed):
            raise PartMissing
        elif not os.path.lexists(path):
            become(part, path)
        elif any(_is(path, former) for former in ours):
            part.replace(path)
        else:
            raise FileExistsError
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise CannotPlace(
            Problem("Output exists", f"{output} was made or changed by somebody else.", "Move it away.")
        ) from error
    except OSError as error:
        raise CannotPlace(
            Problem("Output not written", f"{path.parent}: {error.strerror}.", "Make room or allow writing there.")
        ) from error


def is_in_place(output: str, ours: tuple[str, ...]) -> bool:
    """Whether the output is there as we last wrote it. Raises OSError."""
    return not ours or _is(Path(output), ours[-1])


def discard(output: str, job: str) -> None:
    """Remove the part file, if there is one and it can be removed."""
    try:
        part_of(output, job).unlink(missing_ok=True)
    except OSError:
        return  # a folder that cannot be written keeps it; it is hidden and named after the job


def _is(path: Path, identity_: str) -> bool:
    try:
        return identity(path) == identity_
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)  # else a power failure could take the rename back
    finally:
        os.close(descriptor)
