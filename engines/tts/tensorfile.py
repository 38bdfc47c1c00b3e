"""The header of a safetensors file: which tensors it has, and whether the file is whole. Nothing is loaded."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
from msgspec import Struct

_LENGTH_BYTES = 8
_LONGEST_HEADER_BYTES = 100_000_000
"""The format's own limit."""


class BrokenFile(Exception):
    """Raised with half a sentence that says what is wrong."""


class Tensor(Struct, frozen=True):
    """As the header describes it; the offsets count from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]

    @property
    def count(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)


def tensors_of(path: Path) -> dict[str, Tensor]:
    """By name; the data that they point to is there.

    Raises:
        BrokenFile: it is no such file, or it is cut short.
        OSError
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if size < _LENGTH_BYTES or length > _LONGEST_HEADER_BYTES:
            raise BrokenFile("is no safetensors file")
        header = file.read(length)
    if len(header) < length:
        raise BrokenFile(f"is cut short: it has {size:,} bytes and its header alone needs more")
    try:
        entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        entries.pop("__metadata__", None)
        tensors = {name: msgspec.json.decode(entry, type=Tensor) for name, entry in entries.items()}
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BrokenFile("is no safetensors file") from error
    end = _LENGTH_BYTES + length + max((tensor.data_offsets[1] for tensor in tensors.values()), default=0)
    if size < end:
        raise BrokenFile(f"is cut short: it has {size:,} bytes of {end:,}")
    return tensors
