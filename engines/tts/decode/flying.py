"""A chunk under way, and all of them as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engines.tts.decode.chunk import Chunk
from engines.tts.decode.model import Model
from engines.tts.decode.sampling import Chance, Sampler
from engines.tts.decode.watch import Watch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(eq=False)
class Flying:
    """`row` is its own; `pair` the one that guidance leads away from, or `row` again where there is none."""

    chunk: Chunk
    row: int
    pair: int
    length: int
    """Positions of its row that are filled, and of its pair's."""
    allowed: int
    """Tokens that it may write before it is extended."""
    chance: Chance
    watch: Watch | None

    @property
    def rows(self) -> set[int]:
        """One or two."""
        return {self.row, self.pair}

    @property
    def room(self) -> int:
        """Positions that it may fill before it is extended."""
        return self.length - len(self.chunk.tokens) + min(self.allowed, self.chunk.limit)

    def extend(self) -> None:
        """Let it go on over what was expected, by half as much again."""
        self.chunk.extended += 1
        self.allowed += max(1, self.chunk.expected // 2)


@dataclass(eq=False)
class Arrangement:
    """[n] of chunks and [rows] of their rows, while nobody comes or goes; `of` [rows] is the chunk of each."""

    tokens: Tensor
    """Each chunk's newest."""
    written: Tensor
    lengths: Tensor
    of: Tensor
    rows: Tensor
    pairs: Tensor
    cfg: Tensor | None
    """[n, 1]; None where nothing is guided."""
    sampler: Sampler

    def advance(self, drawn: Tensor) -> None:
        """One token of each was written."""
        self.tokens = drawn
        self.written += 1
        self.lengths += 1


def arrange(flying: Sequence[Flying], model: Model, *, penalty_last: bool) -> Arrangement:
    """From what is known here; rows that only fill up the shape see nothing but themselves."""
    start, stop = model.inputs.start, model.inputs.stop
    rows = model.rows(sum(len(one.rows) for one in flying))
    lengths, of = [0] * rows, [0] * rows
    for at, one in enumerate(flying):
        for row in one.rows:
            lengths[row], of[row] = one.length, at

    def whole(numbers: Sequence[int]) -> Tensor:
        return torch.tensor(numbers, device=model.device)

    used = torch.zeros(len(flying), stop + 1, dtype=torch.bool, device=model.device)
    for at, one in enumerate(flying):
        used[at, whole([start, *one.chunk.tokens])] = True
    cfg = [one.chunk.sampling.cfg if one.pair != one.row else 0.0 for one in flying]
    return Arrangement(
        tokens=whole([one.chunk.tokens[-1] if one.chunk.tokens else start for one in flying]),
        written=whole([len(one.chunk.tokens) for one in flying]),
        lengths=whole(lengths),
        of=whole(of),
        rows=whole([one.row for one in flying]),
        pairs=whole([one.pair for one in flying]),
        cfg=torch.tensor(cfg, device=model.device)[:, None] if any(cfg) else None,
        sampler=Sampler([one.chunk.sampling for one in flying], used, range(start, stop), penalty_last=penalty_last),
    )
