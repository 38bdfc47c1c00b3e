"""The header of GGUF files, read without the library: whether a file is whole, its values, and where its bytes go."""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeAlias

from engines.contract import CannotLoad
from ipc.errors import Problem

Value: TypeAlias = bool | int | float | str | tuple[int, ...]
"""A metadata value; of arrays, those with a whole number for each block are kept, and the vocabulary is not."""

_SIMPLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""How a metadata value is stored by its type number."""
_WHOLE = {kind for kind, code in _SIMPLE.items() if code in "BbHhIiQq"}
_STRING, _ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
_PER_BLOCK = 4096
"""An array that is longer is about words, not blocks."""

TENSOR_TYPES = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""Values per block and bytes per block, by ggml's tensor type; one that is missing here is not measured."""

_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file: its name, its sizes (the fastest first), and its type's number."""

    name: str
    sizes: tuple[int, ...]
    kind: int
    offset: int

    @property
    def bytes(self) -> int:
        """In the file, and wherever it is loaded to."""
        values_per_block, bytes_per_block = TENSOR_TYPES.get(self.kind, (1, 0))
        return prod(self.sizes) // values_per_block * bytes_per_block


@dataclass(frozen=True)
class Contents:
    """What the header of one file says."""

    values: dict[str, Value]
    tensors: tuple[Tensor, ...]
    needed_bytes: int
    """How long the file must be to hold its header and every tensor."""
    data_start: int = 0
    """Where in the file the offsets of tensors begin."""


def check(path: Path) -> tuple[Contents, ...]:
    """What `path`, and each further file of a split model, contains; all of them are whole GGUF files.

    Raises:
        CannotLoad: a file is missing, unreadable, no GGUF, or shorter than its header promises.
    """
    return tuple(_checked(file) for file in shards(path))


def beginning(path: Path) -> dict[str, Value]:
    """The values before the vocabulary: enough to tell whose file it is, at the price of one page.

    Raises:
        CannotLoad: as `check`, but the length of the file is not looked at.
    """
    with _opened(path) as view:
        return _Cursor(path, view).values(until="tokenizer.")


def shards(path: Path) -> Iterator[Path]:
    """The files of the model at `path`: itself, or all `…-00001-of-00003.gguf` of a split one."""
    split = _SHARD.fullmatch(path.name)
    if split is None:
        yield path
        return
    for number in range(1, int(split[3]) + 1):
        yield path.with_name(f"{split[1]}-{number:05}-of-{split[3]}.gguf")


def is_further(path: Path) -> bool:
    """Whether `path` is a file of a split model, and not its first."""
    split = _SHARD.fullmatch(path.name)
    return split is not None and int(split[2]) != 1


def is_model(values: Mapping[str, Value]) -> bool:
    """Whether it is a model, and not what only belongs to one, such as a projector or an adapter."""
    return values.get("general.type", "model") == "model" and values.get("general.architecture") != "clip"


def _checked(file: Path) -> Contents:
    with _opened(file) as view:
        contents, size = _Cursor(file, view).contents(), len(view)
    if contents.needed_bytes > size:
        raise _cannot(
            "Model truncated",
            f"{file} ends after {size / 1e6:.1f} of {contents.needed_bytes / 1e6:.1f} MB.",
            "Download or copy it again.",
        )
    return contents


def _opened(file: Path) -> mmap.mmap:
    try:
        if not file.is_file():
            what = "is a folder" if file.is_dir() else "does not exist"
            raise _cannot("Model missing", f"{file} {what}.", "Set `model` to the path of a GGUF file.")
        if file.stat().st_size == 0:
            raise _cannot("Not a GGUF file", f"{file} is empty.", "Download it again.")
        with file.open("rb") as opened:
            return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise _cannot(
            "Model unreadable", f"{file}: {error.strerror}.", "Check the path and its permissions."
        ) from error


def _cannot(title: str, detail: str, hint: str) -> CannotLoad:
    return CannotLoad(Problem(title, detail, hint))


class _Cursor:
    """Walks through the header; each length is checked against the file before it is believed."""

    def __init__(self, file: Path, view: mmap.mmap) -> None:
        self._file, self._view, self._at = file, view, 0
        if view[:4] != b"GGUF"[: len(view)]:
            raise _cannot("Not a GGUF file", f"{file} does not begin with GGUF.", "Set `model` to a GGUF file.")
        self._at = 4
        version, self._tensors, self._values = (int(number) for number in self._take("<IQQ"))
        if version not in (2, 3):
            raise _cannot(
                "Unknown GGUF version", f"{file} says version {version}; 2 and 3 are known.", "Convert it again."
            )

    def contents(self) -> Contents:
        values = self.values()
        tensors = tuple(self._tensor() for _ in range(self._tensors))
        alignment = values.get("general.alignment", 32)
        step = alignment if isinstance(alignment, int) and alignment > 0 else 32
        data_start = -(-self._at // step) * step
        needed = data_start + max((one.offset + one.bytes for one in tensors), default=0)
        return Contents(values, tensors, needed, data_start)

    def values(self, *, until: str | None = None) -> dict[str, Value]:
        """All that are kept, or those before the first whose name begins with `until`."""
        found: dict[str, Value] = {}
        for _ in range(self._values):
            name = self._text()
            if until is not None and name.startswith(until):
                break
            (kind,) = self._take("<I")
            value = self._value(int(kind))
            if value is not None:
                found[name] = value
        return found

    def _tensor(self) -> Tensor:
        name = self._text()
        (dimensions,) = self._take("<I")
        sizes = self._take(f"<{self._believed(int(dimensions), 8)}Q")
        kind, offset = self._take("<IQ")
        return Tensor(name, tuple(int(size) for size in sizes), int(kind), int(offset))

    def _value(self, kind: int) -> Value | None:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            inner, count = self._take("<IQ")
            return self._array(int(inner), int(count))
        if kind not in _SIMPLE:
            raise _cannot("Not a GGUF file", f"{self._file} has a value of unknown type {kind}.", "Download it again.")
        (value,) = self._take(f"<{_SIMPLE[kind]}")
        return value

    def _array(self, kind: int, count: int) -> Value | None:
        if kind in _WHOLE and count <= _PER_BLOCK:
            return tuple(int(number) for number in self._take(f"<{count}{_SIMPLE[kind]}"))
        if kind in _SIMPLE:
            self._skip(count * struct.calcsize(_SIMPLE[kind]))
        elif kind == _STRING:
            self._skip_texts(count)
        else:
            for _ in range(self._believed(count, 1)):
                self._value(kind)
        return None

    def _skip_texts(self, count: int) -> None:
        """A vocabulary has hundreds of thousands: one look at each."""
        view, at, last = self._view, self._at, len(self._view) - _LENGTH.size
        for _ in range(count):
            if at > last:
                break
            at += _LENGTH.size + int(_LENGTH.unpack_from(view, at)[0])
        else:
            if at <= len(view):
                self._at = at
                return
        self._skip(len(view) + 1)

    def _text(self) -> str:
        (length,) = self._take("<Q")
        start = self._at
        self._skip(int(length))
        return self._view[start : self._at].decode("utf-8", "replace")

    def _take(self, layout: str) -> tuple[int | float, ...]:
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
