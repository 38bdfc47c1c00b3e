"""Whether a model's tensors can be what they should: where they lie, and whether a sample of their numbers is finite.

A block of quantized weights is as good as its scale, a number of 16 bits; of unquantized ones each number is looked at.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from engines.llm import gguf
from engines.llm.gguf import TENSOR_TYPES, Contents, Tensor

_SPOTS, _SPOT_BYTES = 8, 4096
"""Places looked at in each tensor, evenly spread, and how much there."""
_SCALES: dict[int, tuple[str, tuple[int, ...]]] = {
    0: ("f", (0,)), 1: ("e", (0,)), 28: ("d", (0,)), 30: ("bf16", (0,)),
    2: ("e", (0,)), 3: ("e", (0, 2)), 6: ("e", (0,)), 7: ("e", (0, 2)), 8: ("e", (0,)),
    10: ("e", (80, 82)), 11: ("e", (108,)), 12: ("e", (0, 2)), 13: ("e", (0, 2)), 14: ("e", (208,)), 15: ("f", (0,)),
    16: ("e", (0,)), 17: ("e", (0,)), 18: ("e", (0,)), 19: ("e", (0,)), 20: ("e", (0,)), 21: ("e", (0,)),
    22: ("e", (0,)), 23: ("e", (0,)), 34: ("e", (52,)), 35: ("e", (64,)),
}  # fmt: skip
"""By ggml's tensor type: how the numbers that must be finite are stored, and where in a block."""


def unsound(path: Path) -> Iterator[str]:
    """What is wrong with the tensors of a model whose header was read, shard by shard; one sentence each.

    Raises:
        CannotLoad: as `gguf.check`.
        OSError
    """
    for shard, contents in zip(gguf.shards(path), gguf.check(path), strict=True):
        yield from _missing(shard, contents)
        yield from _overlapping(shard, contents)
        with shard.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            for tensor in contents.tensors:
                if why := _damage(view, contents.data_start, tensor):
                    yield f"{shard.name}: {tensor.name} {why}"


def _missing(shard: Path, contents: Contents) -> Iterator[str]:
    if not contents.tensors and not contents.values.get("split.count"):
        yield f"{shard.name} has no tensors"


def _overlapping(shard: Path, contents: Contents) -> Iterator[str]:
    end, before = 0, ""
    for tensor in sorted(contents.tensors, key=lambda one: one.offset):
        if tensor.offset < end:
            yield f"{shard.name}: {tensor.name} lies over {before}"
        end, before = tensor.offset + tensor.bytes, tensor.name


def _damage(view: mmap.mmap, data_start: int, tensor: Tensor) -> str:
    """What is wrong with its numbers; empty if nothing, or if its type is not known."""
    if tensor.kind not in _SCALES:
        return ""
    block_bytes = TENSOR_TYPES[tensor.kind][1]
    per_spot = max(1, _SPOT_BYTES // block_bytes) * block_bytes
    step = max(per_spot, tensor.bytes // _SPOTS // block_bytes * block_bytes)
    empty = len(tensor.sizes) > 1
    for offset in range(0, tensor.bytes, step):
        start = data_start + tensor.offset + offset
        data = view[start : start + min(per_spot, tensor.bytes - offset)]
        if not all(map(math.isfinite, _numbers(data, tensor.kind, block_bytes))):
            return "holds what is no number"
        empty = empty and not any(data)
    return "is all zeros wherever it was looked at" if empty else ""


def _numbers(data: bytes, kind: int, block_bytes: int) -> Iterator[float]:
    layout, places = _SCALES[kind]
    if layout == "bf16":  # the upper half of a 32-bit number
        for (half,) in struct.iter_unpack("<H", data):
            yield struct.unpack("<f", struct.pack("<I", half << 16))[0]
        return
    for start in range(0, len(data) - block_bytes + 1, block_bytes):
        for place in places:
            yield struct.unpack_from(f"<{layout}", data, start + place)[0]
