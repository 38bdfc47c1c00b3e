"""The sidecar of a recording: one JSON line for each frame, so that a reader can seek. Rebuilt whenever it is wrong."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import msgspec

FRAME_MAGIC = b"\x28\xb5\x2f\xfd"


class Mark(msgspec.Struct, frozen=True):
    """Where a frame begins in the file, and the Unix time of its first line."""

    offset: int
    unix: float


def sidecar(recording: Path) -> Path:
    """The path of a recording's sidecar."""
    return recording.with_name(recording.name + ".idx")


def read_marks(path: Path, recording_fd: int) -> list[Mark]:
    """What the sidecar says, as far as it agrees with the recording; none when it is missing or makes no sense."""
    marks: list[Mark] = []
    try:
        for line in path.read_bytes().splitlines():
            mark = msgspec.json.decode(line, type=Mark)
            if os.pread(recording_fd, len(FRAME_MAGIC), mark.offset) != FRAME_MAGIC:
                break
            marks.append(mark)
    except (OSError, msgspec.DecodeError, OverflowError):
        pass
    rising = all(one.offset < next_.offset for one, next_ in pairwise(marks))
    return marks if marks and marks[0].offset == 0 and rising else []


def add_mark(path: Path, mark: Mark) -> None:
    """Append one mark. A disk that does not take it is no reason to stop: the sidecar can be rebuilt."""
    with suppress(OSError), path.open("ab") as file:
        file.write(msgspec.json.encode(mark) + b"\n")


def write_marks(path: Path, marks: list[Mark]) -> None:
    """Replace the sidecar. A disk that does not take it is no reason to stop."""
    with suppress(OSError):
        part = path.with_name(path.name + ".part")
        part.write_bytes(b"".join(msgspec.json.encode(mark) + b"\n" for mark in marks))
        part.replace(path)
