"""What goes before the first token of speech, of several chunks at once and without padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from engines.tts.decode.backbone import Backbone
from engines.tts.decode.cache import Cache
from engines.tts.decode.watch import look, watched_heads

if TYPE_CHECKING:
    from torch import Tensor

_TOGETHER = 4096
"""Tokens that go through the layers at once; more need more memory and are no faster."""


@dataclass(eq=False)
class Kept:
    """Keys and values [n, heads, width] of each layer, beside the cache."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys[0]) if self.keys else 0

    def add(self, layer: int, k: Tensor, v: Tensor) -> None:
        """The positions that follow, of one layer after the other."""
        for kept, more in ((self.keys, k), (self.values, v)):
            if layer < len(kept):
                kept[layer] = torch.cat((kept[layer], more))
            else:
                kept.append(more.clone())


@dataclass(eq=False)
class Segment:
    """Inputs [n, dimensions] of one row, which follow the first `start` positions of `after`."""

    inputs: Tensor
    row: int = -1
    start: int = 0
    after: Kept | None = None
    into: Kept | None = None
    """Keeps the keys and values instead of a row; it may be what the segment follows."""
    looks: list[Tensor] | None = None
    """Gets what its last token saw in each of the heads that are watched."""


def prefill(backbone: Backbone, cache: Cache, segments: Sequence[Segment], kept: torch.dtype) -> None:
    """Write the keys and values of all segments. `kept` are the numbers of what is kept beside the cache."""
    for group in _groups(segments):
        inputs = torch.cat([segment.inputs for segment in group])
        counts = [len(segment.inputs) for segment in group]
        at = torch.cat([torch.arange(one.start, one.start + n) for one, n in zip(group, counts, strict=True)])
        placed = backbone.place(at.to(inputs.device))
        masks = [_mask(one, inputs.device) for one in group]

        def attend(
            layer: int,
            q: Tensor,
            k: Tensor,
            v: Tensor,
            group: Sequence[Segment] = group,
            counts: Sequence[int] = counts,
            masks: Sequence[Tensor | None] = masks,
        ) -> Tensor:
            queries, keys, values = (each.split(list(counts)) for each in (q, k, v))
            parts = zip(group, masks, queries, keys, values, strict=True)
            return torch.cat([_seen(cache, layer, kept, *part) for part in parts])

        backbone(inputs, placed, attend)


def _groups(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    for segment in segments:
        if group and sum(len(one.inputs) for one in group) + len(segment.inputs) > _TOGETHER:
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


def _mask(segment: Segment, device: torch.device) -> Tensor | None:
    """What each of its tokens sees [n, start + n]; None where it is all, or all up to itself from the first on."""
    count = len(segment.inputs)
    if segment.after is None or count == 1:
        return None
    return torch.ones(count, segment.start + count, dtype=torch.bool, device=device).tril(segment.start)


def _seen(
    cache: Cache, layer: int, kept: torch.dtype, segment: Segment, mask: Tensor | None, q: Tensor, k: Tensor, v: Tensor
) -> Tensor:
    if segment.into is not None:
        segment.into.add(layer, k.to(kept), v.to(kept))
    else:
        cache.fill(layer, segment.row, segment.start, k, v)
    if segment.after is not None:
        k = torch.cat((segment.after.keys[layer][: segment.start].to(k.dtype), k))
        v = torch.cat((segment.after.values[layer][: segment.start].to(v.dtype), v))
    if segment.looks is not None:
        segment.looks += [look(q[-1, head], k[:, head]) for at, head in watched_heads() if at == layer]
    q, k, v = (each.transpose(0, 1)[None] for each in (q, k, v))
    seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=segment.after is None)
    return seen[0].transpose(0, 1).flatten(1)
