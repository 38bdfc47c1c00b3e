"""Makes a recording whole again that was cut short, and finds where its frames begin.

A Zstandard frame without a checksum, cut between two blocks, becomes whole by one empty last block. So what is
readable is never written a second time: the torn rest is cut off, and three bytes are appended. Only the blocks of
the last frame are decompressed; the others are stepped over by their headers.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import zstandard

from ipc.errors import Problem, RequestFailed
from supervisor.recording_marks import FRAME_MAGIC, Mark

FIRST_BYTES = b'{"engineroom":'
"""How the text of every recording begins."""

TORN_LIMIT_BYTES = 4 * 2**20
"""A kill tears at most what one write held; more than this is damage of another sort, and is not cut off."""

_LAST_BLOCK = b"\x01\x00\x00"
"""A raw block of no bytes, marked as the last of its frame."""

_HEADER_LIMIT_BYTES = 18
_BLOCK_HEAD_BYTES = 3
_RLE, _RESERVED = 1, 3
_CHECKSUM_BYTES = 4


def mend(fd: int, known: Sequence[Mark]) -> list[Mark]:
    """Make the recording in `fd` whole, and return the marks of all its frames; an empty file has none.

    `known` marks are taken on trust, but for the last. A whole recording is left as it is.

    Raises:
        RequestFailed: the file is no recording, or is damaged in a way that a kill cannot have caused.
        OSError: it cannot be read or written.
    """
    size = os.fstat(fd).st_size
    if size:
        _check_ours(fd, size)
    marks, at = list(known[:-1]), known[-1].offset if known else 0
    while at < size:
        frame = _frame_at(fd, at, size)
        if frame is None:
            _cut(fd, at, size)
            break
        end = frame.end
        if end is None:
            end = max((end for end, text in _texts(fd, frame) if text.endswith(b"\n")), default=at)
            _cut(fd, end, size)
            if end == at:
                break
            _append(fd, _LAST_BLOCK)
            size = end = end + len(_LAST_BLOCK)
        marks.append(Mark(at, _unix(_first_line(fd, frame)) or (marks[-1].unix if marks else 0.0)))
        at = end
    return marks


@dataclass(frozen=True)
class _Frame:
    """A frame as it lies in the file, from `start`; `blocks` are the ends of its header and of each whole block."""

    start: int
    blocks: tuple[int, ...]
    end: int | None
    """None when the frame is cut short."""


def _frame_at(fd: int, start: int, size: int) -> _Frame | None:
    """The frame that begins at `start`, or None where no frame begins."""
    header = os.pread(fd, _HEADER_LIMIT_BYTES, start)
    if not header.startswith(FRAME_MAGIC):
        return None
    try:
        at = start + zstandard.frame_header_size(header)
        checksum = _CHECKSUM_BYTES if zstandard.get_frame_parameters(header).has_checksum else 0
    except zstandard.ZstdError:
        return None
    blocks = [at]
    while len(head := os.pread(fd, _BLOCK_HEAD_BYTES, at)) == _BLOCK_HEAD_BYTES:
        bits = int.from_bytes(head, "little")
        last, kind, length = bits & 1, bits >> 1 & 3, bits >> 3
        at += _BLOCK_HEAD_BYTES + (1 if kind == _RLE else length)
        if kind == _RESERVED or at > size:
            break
        blocks.append(at)
        if last:
            return _Frame(start, tuple(blocks), at + checksum if at + checksum <= size else None)
    if checksum:
        raise _damaged("its last frame has a checksum and is cut short")
    return _Frame(start, tuple(blocks), None)


def _texts(fd: int, frame: _Frame) -> Iterator[tuple[int, bytes]]:
    """The end of each block and its text, as far as it can be read."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    decompressor.decompress(os.pread(fd, frame.blocks[0] - frame.start, frame.start))
    for start, end in pairwise(frame.blocks):
        try:
            yield end, decompressor.decompress(os.pread(fd, end - start, start))
        except zstandard.ZstdError:
            return


def _first_line(fd: int, frame: _Frame) -> bytes:
    text = b""
    for _, more in _texts(fd, frame):
        text += more
        if b"\n" in text:
            break
    return text.partition(b"\n")[0]


def _unix(line: bytes) -> float | None:
    """The moment a line speaks of: its own, or that of the tick or event in it."""
    try:
        read = msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError:
        return None
    inner = read.tick or read.event
    return read.started_unix if inner is None else inner.unix


class _Moment(msgspec.Struct):
    unix: float | None = None


class _Line(msgspec.Struct):
    started_unix: float | None = None
    tick: _Moment | None = None
    event: _Moment | None = None


def _check_ours(fd: int, size: int) -> None:
    frame = _frame_at(fd, 0, size)
    if frame is None or not _first_line(fd, frame).startswith(FIRST_BYTES):
        raise RequestFailed(
            Problem("Not a recording", "The file exists and is no recording.", "Choose another name, or move it away.")
        )


def _cut(fd: int, keep: int, size: int) -> None:
    if size - keep > TORN_LIMIT_BYTES:
        raise _damaged(f"after {keep:,} bytes nothing can be read, {size - keep:,} before its end")
    os.ftruncate(fd, keep)


def _append(fd: int, data: bytes) -> None:
    if os.write(fd, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _damaged(how: str) -> RequestFailed:
    return RequestFailed(Problem("Damaged recording", f"The file is damaged: {how}.", "Record to another name."))
