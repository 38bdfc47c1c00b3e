"""Models that were made on this box: one folder for each source and level, whole or not there at all.

An entry is a GGUF file and what is known of it (`made.json`). It is made in a part folder beside it, by whoever holds
the lock in there, and takes its name in one stroke.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from engines.appraisal import Level
from engines.contract import CannotLoad
from engines.llm import header
from engines.llm.files import ModelFile
from ipc.places import data_folder, models_folder

_log = logging.getLogger(__name__)
_RECORD = "made.json"
_PART = ".part"
_LOCK, _NEW, _OLD = "lock", "new", "old"


class Made(Struct, frozen=True):
    """What is known of a model that was made here; perplexities are None where they were not measured."""

    file: str
    """Its name in the folder of the entry."""
    name: str
    """What people call the model."""
    level: Level
    quantization: str | None
    bytes: int
    seconds: float
    """How long it took, the measuring aside."""
    source: str
    """Path of the file that it was made of."""
    source_level: Level
    source_quantization: str | None
    identity: str
    """Of the source, as it was then."""
    perplexity_before: float | None
    """Of the source; and of what was made of it, on the same tokens."""
    perplexity_after: float | None
    tokens: int
    """How many tokens were foretold to measure that."""
    library: str
    made_unix: float


@dataclass(frozen=True)
class MadeFile(ModelFile):
    """One that was made here, or will be: known by its source and level, so that what was learned of it stays true when
    it is made again."""

    entry: str
    source: Path

    def identity(self) -> str:
        """The name of its entry."""
        return self.entry


def cache_folder() -> Path:
    """Where the entries are."""
    return models_folder(data_folder(os.environ)) / "quantized"


def entry_of(source: ModelFile, level: Level) -> Path:
    """The folder for this level of this source, whether it is there or not; a replaced source has another."""
    return cache_folder() / f"{source.identity()}-{level}"


def record_of(entry: Path) -> Made | None:
    """What is written down about it; None where there is nothing that can be read."""
    try:
        return msgspec.json.decode((entry / _RECORD).read_bytes(), type=Made)
    except (OSError, msgspec.MsgspecError):
        return None


def look(entry: Path) -> MadeFile | None:
    """Its model; None where there is no entry, or a damaged one."""
    made = record_of(entry)
    if made is None:
        return None
    path = entry / made.file
    try:
        if path.stat().st_size == made.bytes:
            file = MadeFile(path, header.read(path), entry.name, Path(made.source))
            return file if file.header.level == made.level else None
    except (OSError, CannotLoad) as error:
        _log.warning("%s is damaged and will be made anew: %s", path, error)
    return None


def entries() -> list[Path]:
    """All of them, damaged ones too."""
    with suppress(OSError):
        return sorted(path for path in cache_folder().iterdir() if path.is_dir() and not path.name.startswith("."))
    return []


@contextmanager
def workshop(entry: Path, waiting: Callable[[], None]) -> Iterator[Path]:
    """An empty folder to make `entry` in, for one process at a time; what was not published is gone at its end.

    `waiting` is called again and again while another process is at it; it sleeps, or raises to give up.

    Raises:
        OSError: it cannot be made.
    """
    part = entry.with_name(f".{entry.name}{_PART}")
    while (lock := _taken(part)) is None:
        waiting()
    try:
        shutil.rmtree(part / _NEW, ignore_errors=True)  # of a process that was killed at it
        (part / _NEW).mkdir()
        yield part / _NEW
    finally:
        _clear(part, lock)


def publish(new: Path, entry: Path, made: Made) -> None:
    """Give what lies in the workshop `new` the name of `entry`, in the place of a damaged one.

    Raises:
        OSError
    """
    record = new / _RECORD
    record.write_bytes(msgspec.json.format(msgspec.json.encode(made)))
    for path in (record, new):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    if entry.exists():
        entry.rename(new.with_name(_OLD))
    new.rename(entry)


def sweep() -> None:
    """Remove what processes that were killed left behind; what is being made just now stays."""
    with suppress(OSError):
        for part in cache_folder().glob(f".*{_PART}"):
            if (lock := _taken(part)) is not None:
                _clear(part, lock)


def _taken(part: Path) -> int | None:
    """The descriptor of the lock in there; None where another process has it, or took it away just now."""
    part.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(part / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), (part / _LOCK).stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _clear(part: Path, lock: int) -> None:
    """The lock goes last: whoever makes another in its place finds no more of ours."""
    for name in (_NEW, _OLD):
        shutil.rmtree(part / name, ignore_errors=True)
    with suppress(OSError):
        (part / _LOCK).unlink()
        part.rmdir()
    os.close(lock)
