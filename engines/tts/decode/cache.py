"""Keys and values of all rows, written in place: what each layer saw so far of each chunk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 64
"""Positions come in multiples of it: shapes stay the same for a while, and products of such blocks are the fastest."""


@dataclass(frozen=True)
class Shape:
    """Of what is kept. `device` and `dtype` are torch's."""

    layers: int
    heads: int
    width: int
    dtype: torch.dtype
    device: torch.device


class Place:
    """Where the next token of each row goes, and what it may see; made once a step, the same in all layers."""

    def __init__(self, lengths: Tensor, longest: int, reach: Sequence[int] | None = None) -> None:
        """`lengths` [rows] are the positions filled before it, `longest` is a multiple of BLOCK above all of them;
        `reach` are the rows, counted from the first, that each block matters to: all of them, where it is None.
        """
        self.lengths = lengths
        self.longest = longest
        self.reach = reach or [len(lengths)] * (longest // BLOCK)
        self.rows = torch.arange(len(lengths), device=lengths.device)
        self.visible = torch.arange(longest, device=lengths.device) <= lengths[:, None]
        self.hidden = ~self.visible
        self.block, self.offset = lengths // BLOCK, lengths % BLOCK


def reaches(lengths: Sequence[int], longest: int) -> list[int]:
    """Who joined later stands further behind and is shorter: of far blocks only the first rows are multiplied."""
    return [
        max((row + 1 for row, length in enumerate(lengths) if length >= begin), default=0)
        for begin in range(0, longest, BLOCK)
    ]


class Cache(Protocol):
    """Rows are numbered from 0; a position of a row is written before it is seen."""

    def reserve(self, rows: int, length: int) -> None:
        """Have room for so many; what is there stays.

        Raises:
            torch.OutOfMemoryError: nothing that is there was lost.
        """

    def release(self) -> None:
        """Give all memory back."""

    def tensors(self) -> Sequence[Tensor]:
        """All of them, of all layers."""

    def size(self) -> tuple[int, int]:
        """Rows and positions that there is room for."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, place: Place) -> Tensor:
        """Write one token of each row, and let it look: [rows, heads, width] each → [rows, heads * width]."""

    def fill(self, layer: int, row: int, start: int, k: Tensor, v: Tensor) -> None:
        """Write positions from `start` on: [n, heads, width]."""

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copy rows over others."""

    def clear(self, rows: Sequence[int]) -> None:
        """Leave nothing in them that is no number: what is hidden is multiplied by 0, not left out."""

    def keys_of(self, layer: int, row: int, head: int, count: int) -> Tensor:
        """[count, width]."""


class _Tensors:
    """One tensor of keys and one of values for each layer, that grow."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def release(self) -> None:
        self.keys, self.values = [], []

    def tensors(self) -> Sequence[Tensor]:
        return (*self.keys, *self.values)

    @property
    def whole(self) -> bool:
        """There are all of them: the last layer's values are made last."""
        return len(self.values) == self.shape.layers

    def grow(self, keys: tuple[int, ...], values: tuple[int, ...]) -> None:
        """To at least these sizes, layer by layer, so that little lies in memory twice."""
        for kept, sizes in ((self.keys, keys), (self.values, values)):
            for layer in range(self.shape.layers):
                old = kept[layer] if layer < len(kept) else None
                if old is not None and all(had >= wanted for had, wanted in zip(old.shape, sizes, strict=True)):
                    continue
                # One that failed midway left layers of unlike sizes.
                grown = sizes if old is None else tuple(map(max, old.shape, sizes))
                # Zeros, and not whatever lay there: what is hidden is multiplied by 0, and must be a number.
                new = torch.zeros(grown, dtype=self.shape.dtype, device=self.shape.device)
                if old is None:
                    kept.append(new)
                else:
                    new[tuple(map(slice, old.shape))] = old
                    kept[layer] = new


class WholeCache(_Tensors):
    """Rows as torch's attention takes them, [rows, heads, positions, width]: for GPUs, and for torch.compile."""

    def size(self) -> tuple[int, int]:
        if not self.whole:
            return 0, 0
        return self.values[-1].shape[0], self.values[-1].shape[2]

    def reserve(self, rows: int, length: int) -> None:
        had_rows, had_length = self.size()
        sizes = (max(rows, had_rows), self.shape.heads, max(_rounded(length), had_length), self.shape.width)
        self.grow(sizes, sizes)

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, place: Place) -> Tensor:
        keys, values, rows = self.keys[layer], self.values[layer], len(q)
        keys[place.rows, :, place.lengths] = k.to(keys.dtype)
        values[place.rows, :, place.lengths] = v.to(values.dtype)
        seen = F.scaled_dot_product_attention(
            q[:, :, None].to(keys.dtype),
            keys[:rows, :, : place.longest],
            values[:rows, :, : place.longest],
            attn_mask=place.visible[:, None, None],
        )
        return seen.to(q.dtype).reshape(rows, -1)

    def fill(self, layer: int, row: int, start: int, k: Tensor, v: Tensor) -> None:
        self.keys[layer][row, :, start : start + len(k)] = k.transpose(0, 1)
        self.values[layer][row, :, start : start + len(v)] = v.transpose(0, 1)

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        for kept in self.tensors():
            kept[list(targets)] = kept[list(sources)]

    def clear(self, rows: Sequence[int]) -> None:
        for kept in self.tensors():
            kept[list(rows)] = 0

    def keys_of(self, layer: int, row: int, head: int, count: int) -> Tensor:
        return self.keys[layer][row, head, :count]


class BlockCache(_Tensors):
    """In blocks of positions, keys lying across, each block of all rows in one piece: for CPUs.

    There torch multiplies [1, n] by [n, m] several times faster than its attention runs for one query, but only what
    lies in one piece: keys are [blocks, rows, heads, width, BLOCK], values [blocks, rows, heads, BLOCK, width].
    """

    def size(self) -> tuple[int, int]:
        if not self.whole:
            return 0, 0
        return self.values[-1].shape[1], self.values[-1].shape[0] * BLOCK

    def reserve(self, rows: int, length: int) -> None:
        had_rows, had_length = self.size()
        blocks, rows = max(_rounded(length), had_length) // BLOCK, max(rows, had_rows)
        heads, width = self.shape.heads, self.shape.width
        self.grow((blocks, rows, heads, width, BLOCK), (blocks, rows, heads, BLOCK, width))

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, place: Place) -> Tensor:
        keys, values = self.keys[layer], self.values[layer]
        rows, heads, width = q.shape
        keys[place.block, place.rows, :, :, place.offset] = k.to(keys.dtype)
        values[place.block, place.rows, :, place.offset] = v.to(values.dtype)
        queries = (q * width**-0.5).to(keys.dtype).reshape(rows * heads, 1, width)
        scores = queries.new_zeros(rows * heads, 1, place.longest)
        for at, count in enumerate(place.reach):
            products = torch.bmm(queries[: count * heads], keys[at, :count].view(-1, width, BLOCK))
            scores[: count * heads, :, at * BLOCK : (at + 1) * BLOCK] = products
        scores = scores.view(rows, heads, -1).float().masked_fill_(place.hidden[:, None], -math.inf)
        shares = scores.softmax(-1).to(keys.dtype).view(rows * heads, 1, -1).split(BLOCK, -1)
        seen = torch.zeros_like(q).view(rows * heads, 1, width)
        for at, count in enumerate(place.reach):
            seen[: count * heads] += torch.bmm(shares[at][: count * heads], values[at, :count].view(-1, BLOCK, width))
        return seen.view(rows, -1)

    def fill(self, layer: int, row: int, start: int, k: Tensor, v: Tensor) -> None:
        end = start + len(k)
        for at in range(start // BLOCK, (end - 1) // BLOCK + 1):
            first, last = max(start, at * BLOCK), min(end, (at + 1) * BLOCK)
            into, taken = slice(first - at * BLOCK, last - at * BLOCK), slice(first - start, last - start)
            self.keys[layer][at, row, :, :, into] = k[taken].permute(1, 2, 0)
            self.values[layer][at, row, :, into] = v[taken].transpose(0, 1)

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        for kept in self.tensors():
            kept[:, list(targets)] = kept[:, list(sources)]

    def clear(self, rows: Sequence[int]) -> None:
        for kept in self.tensors():
            kept[:, list(rows)] = 0

    def keys_of(self, layer: int, row: int, head: int, count: int) -> Tensor:
        blocks = math.ceil(count / BLOCK)
        return self.keys[layer][:blocks, row, head].transpose(1, 2).reshape(-1, self.shape.width)[:count]


def _rounded(length: int) -> int:
    return math.ceil(length / BLOCK) * BLOCK
