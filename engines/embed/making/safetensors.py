"""Tensors of a safetensors file: 8 bytes of length, a header in JSON, then raw little-endian bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from engines.contract import CannotLoad
from ipc.errors import Problem

Floats: TypeAlias = NDArray[np.float32]

_LENGTH_BYTES = 8
_HEADER_BYTES = 100_000_000
"""The format's own limit."""


class _Entry(Struct, frozen=True):
    dtype: str
    shape: tuple[Annotated[int, Meta(ge=0)], ...]
    data_offsets: tuple[int, int]


class Tensors:
    """The tensors by name; each is read when it is asked for.

    Raises:
        CannotLoad: the file is none of the format, or shorter than its header says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            header = file.read(length) if length <= min(size, _HEADER_BYTES) else b""
        self._begin = _LENGTH_BYTES + length
        try:
            entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
            entries.pop("__metadata__", None)
            self._entries: Mapping[str, _Entry] = {
                name: msgspec.json.decode(raw, type=_Entry) for name, raw in entries.items()
            }
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise _broken(path, "it has no header of the safetensors format") from error
        needed = self._begin + max((entry.data_offsets[1] for entry in self._entries.values()), default=0)
        if size < needed:
            raise _broken(path, f"it has {size:,} bytes where its header says {needed:,}")

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._entries)

    def total(self) -> int:
        """Numbers in all tensors together."""
        return sum(int(np.prod(entry.shape)) for entry in self._entries.values())

    def floats(self, name: str) -> Floats:
        """One tensor as float32, whatever precision the file has.

        Raises:
            CannotLoad: there is none of that name, or it holds no floats.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise _broken(self._path, f"it has no tensor {name}")
        begin, end = entry.data_offsets
        with self._path.open("rb") as file:
            file.seek(self._begin + begin)
            data = file.read(end - begin)
        try:
            return _floats(entry.dtype, data).reshape(entry.shape)
        except (KeyError, ValueError) as error:
            raise _broken(self._path, f"its tensor {name} of type {entry.dtype} cannot be read as floats") from error


def _floats(dtype: str, data: bytes) -> Floats:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").astype(np.float32)
    return np.frombuffer(data, {"F32": "<f4", "F16": "<f2", "F64": "<f8"}[dtype]).astype(np.float32)


def _broken(path: Path, what: str) -> CannotLoad:
    return CannotLoad(Problem("Weights unreadable", f"{path}: {what}.", "Fetch the model again."))
