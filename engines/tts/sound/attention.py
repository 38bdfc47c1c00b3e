"""Attention of each frame of a row to all frames of it, whatever the row is padded to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_HEADS_AT_ONCE = 2
"""In bf16 on a CPU: their scores of 400 to 1,500 frames stay in the cache of a core."""


def padding_bias(lengths: Sequence[int], frames: int, like: Tensor) -> Tensor | None:
    """What hides padding from a GPU's attention, [rows, 1, 1, frames]; None where nothing is padded."""
    if min(lengths) == frames:
        return None
    seen = torch.arange(frames, device=like.device) < torch.tensor(lengths, device=like.device)[:, None]
    return like.new_zeros(len(lengths), 1, 1, frames).masked_fill_(~seen[:, None, None], float("-inf"))


def attend(qkv: Tensor, heads: int, lengths: Sequence[int], bias: Tensor | None) -> Tensor:
    """[rows, frames, 3 x heads x size] to [rows, frames, heads x size]; `bias` as `padding_bias` gives it.

    Frames from a row's length on are nobody's business: their values are finite, no more.
    """
    rows, frames, width = qkv.shape
    query, key, value = qkv.view(rows, frames, 3, heads, -1).permute(2, 0, 3, 1, 4)
    if qkv.device.type != "cpu":
        done = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return done.transpose(1, 2).reshape(rows, frames, width // 3)
    into = qkv.new_zeros(rows, frames, heads, width // 3 // heads)
    for row, length in enumerate(lengths):
        some = (row, slice(None), slice(length))
        compute = _in_pairs if qkv.dtype == torch.bfloat16 else _whole
        compute(query[some], key[some], value[some], into[row, :length])
    return into.view(rows, frames, width // 3)


def _whole(query: Tensor, key: Tensor, value: Tensor, into: Tensor) -> None:
    done = F.scaled_dot_product_attention(query[None], key[None], value[None])[0]
    into.copy_(done.transpose(0, 1))


def _in_pairs(query: Tensor, key: Tensor, value: Tensor, into: Tensor) -> None:
    """[heads, frames, size] each; torch's own takes 1.6 times as long in bf16 without AMX."""
    query, key, value = query * query.shape[-1] ** -0.5, key.contiguous(), value.contiguous()
    for first in range(0, query.shape[0], _HEADS_AT_ONCE):
        some = slice(first, first + _HEADS_AT_ONCE)
        scores = torch.bmm(query[some], key[some].transpose(1, 2))
        into[:, some] = torch.bmm(torch.softmax(scores, -1), value[some]).transpose(0, 1)
