"""The header of a GGUF file, read without the library: whether the file is whole, before anything is loaded."""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from engines.contract import CannotLoad
from ipc.errors import Problem

_SIMPLE = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a metadata value by its type number."""
_UINT32, _STRING, _ARRAY = 4, 8, 9

TENSOR_TYPES = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""Values per block and bytes per block, by ggml's tensor type; one that is missing here is not measured."""

_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


def check(path: Path) -> None:
    """Check that `path`, and each further file of a split model, is a whole GGUF file.

    Raises:
        CannotLoad: a file is missing, unreadable, no GGUF, or shorter than its header promises.
    """
    for file in shards(path):
        try:
            if not file.is_file():
                what = "is a folder" if file.is_dir() else "does not exist"
                raise _cannot("Model missing", f"{file} {what}.", "Set `model` to the path of a GGUF file.")
            size = file.stat().st_size
            if size == 0:
                raise _cannot("Not a GGUF file", f"{file} is empty.", "Download it again.")
            with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as view:
                needed = _Header(file, view).needed_bytes()
        except OSError as error:
            raise _cannot(
                "Model unreadable", f"{file}: {error.strerror}.", "Check the path and its permissions."
            ) from error
        if needed > size:
            raise _cannot(
                "Model truncated",
                f"{file} ends after {size / 1e6:.1f} of {needed / 1e6:.1f} MB.",
                "Download or copy it again.",
            )


def shards(path: Path) -> Iterator[Path]:
    """The files of the model at `path`: itself, or all `…-00001-of-00003.gguf` of a split one."""
    split = _SHARD.fullmatch(path.name)
    if split is None:
        yield path
        return
    for number in range(1, int(split[3]) + 1):
        yield path.with_name(f"{split[1]}-{number:05}-of-{split[3]}.gguf")


def _cannot(title: str, detail: str, hint: str) -> CannotLoad:
    return CannotLoad(Problem(title, detail, hint))


class _Header:
    """A cursor through the header; each length is checked against the file before it is believed."""

    def __init__(self, file: Path, view: mmap.mmap) -> None:
        self._file, self._view, self._at = file, view, 0

    def needed_bytes(self) -> int:
        """How long the file must be to hold its header and every tensor."""
        if self._view[:4] != b"GGUF"[: len(self._view)]:
            raise _cannot("Not a GGUF file", f"{self._file} does not begin with GGUF.", "Set `model` to a GGUF file.")
        self._at = 4
        version, tensors, values = self._take("<IQQ")
        if version not in (2, 3):
            raise _cannot(
                "Unknown GGUF version", f"{self._file} says version {version}; 2 and 3 are known.", "Convert it again."
            )
        alignment = 32
        for _ in range(values):
            name = self._text()
            (kind,) = self._take("<I")
            if name == b"general.alignment" and kind == _UINT32:
                (alignment,) = self._take("<I")
            else:
                self._skip_value(kind)
        extents = [self._tensor_end() for _ in range(tensors)]
        data_start = -(-self._at // max(alignment, 1)) * max(alignment, 1)
        return data_start + max(extents, default=0)

    def _tensor_end(self) -> int:
        self._text()
        (dimensions,) = self._take("<I")
        sizes = self._take(f"<{self._believed(dimensions, 8)}Q")
        kind, offset = self._take("<IQ")
        values_per_block, bytes_per_block = TENSOR_TYPES.get(kind, (1, 0))
        count = 1
        for size in sizes:
            count *= size
        return int(offset + count // values_per_block * bytes_per_block)

    def _skip_value(self, kind: int) -> None:
        if kind == _STRING:
            self._text()
        elif kind == _ARRAY:
            inner, count = self._take("<IQ")
            if inner in _SIMPLE:
                self._skip(count * _SIMPLE[inner])
            else:
                for _ in range(count):
                    self._skip_value(inner)
        elif kind in _SIMPLE:
            self._skip(_SIMPLE[kind])
        else:
            raise _cannot("Not a GGUF file", f"{self._file} has a value of unknown type {kind}.", "Download it again.")

    def _text(self) -> bytes:
        (length,) = self._take("<Q")
        start = self._at
        self._skip(length)
        return self._view[start : self._at]

    def _take(self, layout: str) -> tuple[int, ...]:
        start = self._at
        self._skip(struct.calcsize(layout))
        return struct.unpack_from(layout, self._view, start)

    def _skip(self, count: int) -> None:
        self._at += self._believed(count, 1)

    def _believed(self, count: int, size: int) -> int:
        if count * size > len(self._view) - self._at:
            raise _cannot(
                "Model truncated",
                f"{self._file} ends inside its header, after {len(self._view) / 1e6:.1f} MB.",
                "Download or copy it again.",
            )
        return count
