"""One step of the flow: the library's decoder, walked through with what is the same in all steps computed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.tts.sound.attention import attend, padding_bias


@dataclass(frozen=True)
class Rows:
    """Padded rows of a batch: their frames, what hides the padding, and what conditions them [rows, 240, frames]."""

    lengths: Sequence[int]
    mask: Tensor
    bias: Tensor | None
    conditions: Tensor


class Estimator:
    """Computes with the library's modules and weights, so it equals `ConditionalDecoder.forward` row by row."""

    def __init__(self, decoder: Any, dtype: torch.dtype) -> None:
        decoder.to(dtype)
        self.dtype = dtype
        self._decoder = decoder
        (self._down,), (self._up,) = decoder.down_blocks, decoder.up_blocks
        self._joined = {
            block: _join(block.attn1)
            for _, blocks, *_ in (self._down, *decoder.mid_blocks, self._up)
            for block in blocks
        }

    def times(self, points: Tensor) -> Tensor:
        """The embedding of each step from one point of time [steps + 1] to the next: [steps, channels]."""
        decoder = self._decoder
        made = decoder.time_mlp(decoder.time_embeddings(points).to(self.dtype))
        if decoder.meanflow:
            return decoder.time_embed_mixer(torch.cat([made[:-1], made[1:]], dim=1))
        return made[:-1]

    def rows(self, conditions: Tensor, lengths: Sequence[int]) -> Rows:
        """Rows [rows, 240, frames] of these lengths, in this precision."""
        conditions = conditions.to(self.dtype)
        frames = conditions.shape[2]
        mask = torch.arange(frames, device=conditions.device) < torch.tensor(lengths, device=conditions.device)[:, None]
        return Rows(lengths, mask[:, None].to(self.dtype), padding_bias(lengths, frames, conditions), conditions)

    def velocity(self, x: Tensor, time: Tensor, rows: Rows) -> Tensor:
        """Where `x` [rows, 80, frames] goes at the time embedded in `time` [1, channels]; fp32, 0 in the padding."""
        decoder = self._decoder
        x = torch.cat([x.to(self.dtype), rows.conditions], dim=1)
        resnet, blocks, onward = self._down
        x = skip = self._level(resnet, blocks, x, time, rows)
        x = onward(x * rows.mask)
        for resnet, blocks in decoder.mid_blocks:
            x = self._level(resnet, blocks, x, time, rows)
        resnet, blocks, onward = self._up
        x = self._level(resnet, blocks, torch.cat([x, skip], dim=1), time, rows)
        x = decoder.final_block(onward(x * rows.mask), rows.mask)
        return (decoder.final_proj(x * rows.mask) * rows.mask).float()

    def _level(self, resnet: Any, blocks: Any, x: Tensor, time: Tensor, rows: Rows) -> Tensor:
        x = resnet(x, rows.mask, time).transpose(1, 2).contiguous()
        for block in blocks:
            attention = block.attn1
            qkv = F.linear(block.norm1(x), self._joined[block])
            x = x + attention.to_out[0](attend(qkv, attention.heads, rows.lengths, rows.bias))
            x = x + block.ff(block.norm3(x))
        return x.transpose(1, 2).contiguous()


def _join(attention: Any) -> Tensor:
    """One matrix for queries, keys and values, whose parts the library's own layers go on using."""
    layers = (attention.to_q, attention.to_k, attention.to_v)
    joined = torch.cat([layer.weight.data for layer in layers])
    for layer, part in zip(layers, joined.chunk(3), strict=True):
        layer.weight = nn.Parameter(part, requires_grad=False)
    return joined
