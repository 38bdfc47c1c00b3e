"""Writes a recording: JSON lines, compressed, of which kill -9 at any moment loses nothing that was acknowledged.

The file is `NAME.jsonl.zst`; docs/recording.md says what is in it. Each line leaves as a Zstandard block of its own
in one write, so it is the operating system's when the call returns; nothing here waits for the disk itself.
A new frame begins every minute, and the sidecar says where.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
import zstandard

from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Happening, Json
from supervisor.recording_marks import Mark, add_mark, read_marks, sidecar, write_marks
from supervisor.recording_repair import mend

FORMAT = 1
FRAME_SECONDS = 60.0
HELD_LIMIT_BYTES = 2**20
"""What a full disk may keep waiting in memory, compressed; lines beyond that become a gap."""

_LEVEL = 6


class Recorder:
    """One recording under way. `tick` and `event` never raise because of the disk; `problem` tells."""

    def __init__(self, path: Path, fd: int, clock: Callable[[], float]) -> None:
        self.ticks = 0
        """Ticks taken since it was opened; those in a gap do not count."""
        self._path = path
        self._fd = fd
        self._clock = clock
        self._end = os.fstat(fd).st_size
        self._held = bytearray()
        self._error: OSError | None = None
        self._gap: _Gap | None = None
        self._begin_frame(clock())

    @property
    def problem(self) -> Problem | None:
        """Why the file is behind, None while it is not; it catches up by itself."""
        return _behind(self._path, self._error, self._gap) if self._error is not None else None

    @classmethod
    def open(cls, path: Path, header: Mapping[str, Json], *, clock: Callable[[], float] = time.time) -> Self:
        """Begin a recording, or go on with the one that is at `path`, after mending its end if a kill cut it short.

        `header` becomes the first line, and a line wherever the recording was gone on with.

        Raises:
            RequestFailed: the file is no recording, is being written by another process, or cannot be written.
        """
        try:
            fd = _open_locked(path)
            try:
                write_marks(sidecar(path), mend(fd, read_marks(sidecar(path), fd)))
                whole = os.fstat(fd).st_size
                recorder = cls(path, fd, clock)
                recorder._take({"engineroom": FORMAT, **header})
                if recorder.problem is not None:
                    os.ftruncate(fd, whole)
                    raise RequestFailed(recorder.problem)
            except BaseException:
                os.close(fd)
                raise
        except OSError as error:
            raise RequestFailed(_cannot(path, error)) from None
        return recorder

    def tick(self, values: Mapping[str, Json]) -> None:
        """One second's values; they hold their moment as `unix`."""
        if self._take({"tick": dict(values)}):
            self.ticks += 1

    def event(self, happening: Happening) -> None:
        """One decision or fact."""
        self._take({"event": msgspec.structs.asdict(happening)})

    def flush(self) -> None:
        """Write what waits, as far as the disk takes it."""
        try:
            while self._held:
                del self._held[: os.write(self._fd, self._held)]
        except OSError as error:
            self._error = error
        else:
            self._error = None

    def close(self) -> None:
        """End the file, so that it is whole for every reader; what the disk does not take is lost."""
        self._hold(self._compressor.flush())
        self.flush()
        if self._held:
            with suppress(OSError, RequestFailed):
                write_marks(sidecar(self._path), mend(self._fd, read_marks(sidecar(self._path), self._fd)))
        os.close(self._fd)

    def _take(self, line: dict[str, Json]) -> bool:
        """Write one line, or count it to the gap; says which."""
        unix = self._clock()
        if len(self._held) > HELD_LIMIT_BYTES:
            self.flush()
        if len(self._held) > HELD_LIMIT_BYTES:
            begun, lost = (self._gap.from_unix, self._gap.lines) if self._gap is not None else (unix, 0)
            self._gap = _Gap(begun, unix, lost + 1)
            return False
        if not 0 <= unix - self._frame_unix < FRAME_SECONDS:
            self._hold(self._compressor.flush())
            self._begin_frame(unix)
        if self._gap is not None:
            self._compress({"gap": msgspec.structs.asdict(self._gap)})
            self._gap = None
        self._compress(line)
        self.flush()
        return True

    def _begin_frame(self, unix: float) -> None:
        self._frame_unix = unix
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        add_mark(sidecar(self._path), Mark(self._end, unix))

    def _compress(self, line: dict[str, Json]) -> None:
        self._hold(self._compressor.compress(_text(line)) + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))

    def _hold(self, data: bytes) -> None:
        self._held += data
        self._end += len(data)


class _Gap(msgspec.Struct, frozen=True):
    """Lines that were lost because the disk took nothing for too long."""

    from_unix: float
    to_unix: float
    lines: int


def _text(line: dict[str, Json]) -> bytes:
    try:
        return msgspec.json.encode(line) + b"\n"
    except UnicodeEncodeError:  # a path in a sentence may hold bytes that are no Unicode
        return json.dumps(line, ensure_ascii=False).encode(errors="replace") + b"\n"


def _open_locked(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _cannot(path: Path, error: OSError) -> Problem:
    match error:
        case BlockingIOError():
            return Problem("Already recording", f"Another process records to {path}.", "Choose another name.")
        case FileNotFoundError():
            return Problem("No such folder", f"{path.parent} does not exist.", "Make it, or choose another.")
        case _:
            return Problem("Cannot record", f"{path} cannot be written: {error.strerror}.", "Choose another place.")


def _behind(path: Path, error: OSError, gap: _Gap | None) -> Problem:
    lost = f", and {gap.lines} lines are lost so far" if gap is not None else ", and what comes waits in memory"
    return Problem(
        "Recording is behind",
        f"{path} cannot be written ({error.strerror}){lost}.",
        "Make room: it goes on by itself.",
    )
