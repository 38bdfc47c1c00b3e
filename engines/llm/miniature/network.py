"""The network of the miniature: a small Llama as two functions over a dictionary of named weights.

The names are those of the GGUF format, so that nothing has to be renamed on the way into the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch.nn import functional

Weights: TypeAlias = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Shape:
    """How large the network is: 3.7 million weights as it stands, at 2048 tokens of vocabulary."""

    vocabulary: int
    width: int = 256
    layers: int = 4
    heads: int = 8
    cache_heads: int = 4
    hidden: int = 768
    epsilon: float = 1e-5
    rope_base: float = 10_000.0

    @property
    def head_width(self) -> int:
        return self.width // self.heads


def fresh_weights(shape: Shape, randomness: torch.Generator) -> Weights:
    """Small random matrices and norms of one; the token table also serves as the output layer."""
    width, cache_width = shape.width, shape.cache_heads * shape.head_width
    matrices = {"token_embd.weight": (shape.vocabulary, width)}
    norms = ["output_norm.weight"]
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        norms += [f"{block}attn_norm.weight", f"{block}ffn_norm.weight"]
        matrices |= {
            f"{block}attn_q.weight": (width, width),
            f"{block}attn_k.weight": (cache_width, width),
            f"{block}attn_v.weight": (cache_width, width),
            f"{block}attn_output.weight": (width, width),
            f"{block}ffn_gate.weight": (shape.hidden, width),
            f"{block}ffn_up.weight": (shape.hidden, width),
            f"{block}ffn_down.weight": (width, shape.hidden),
        }
    weights = {name: torch.randn(size, generator=randomness) * 0.02 for name, size in matrices.items()}
    weights |= {name: torch.ones(width) for name in norms}
    for weight in weights.values():
        weight.requires_grad_(True)
    return weights


def scores(weights: Weights, shape: Shape, tokens: torch.Tensor) -> torch.Tensor:
    """For tokens of size (batch, length): how likely each token of the vocabulary comes next, at each place."""
    cosine, sine = _rotation(shape, tokens.shape[1])
    x = functional.embedding(tokens, weights["token_embd.weight"])
    for layer in range(shape.layers):
        block = {name: weights[f"blk.{layer}.{name}.weight"] for name in _BLOCK}
        x = x + _attention(block, shape, _norm(x, block["attn_norm"], shape), cosine, sine)
        h = _norm(x, block["ffn_norm"], shape)
        gated = functional.silu(h @ block["ffn_gate"].T) * (h @ block["ffn_up"].T)
        x = x + gated @ block["ffn_down"].T
    return _norm(x, weights["output_norm.weight"], shape) @ weights["token_embd.weight"].T


_BLOCK = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down")


def _norm(x: torch.Tensor, weight: torch.Tensor, shape: Shape) -> torch.Tensor:
    return functional.rms_norm(x, (shape.width,), weight, shape.epsilon)


def _attention(block: Weights, shape: Shape, x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    batch, length, _ = x.shape

    def heads(name: str) -> torch.Tensor:
        return (x @ block[name].T).view(batch, length, -1, shape.head_width)

    q, k = _rotate(heads("attn_q"), cosine, sine), _rotate(heads("attn_k"), cosine, sine)
    shared = shape.heads // shape.cache_heads
    k, v = (part.repeat_interleave(shared, dim=2) for part in (k, heads("attn_v")))
    mixed = functional.scaled_dot_product_attention(
        q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True
    )
    return mixed.transpose(1, 2).reshape(batch, length, shape.width) @ block["attn_output"].T


def _rotation(shape: Shape, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    frequencies = shape.rope_base ** (-torch.arange(0, shape.head_width, 2) / shape.head_width)
    angles = torch.outer(torch.arange(length), frequencies)[:, None, :]
    return angles.cos(), angles.sin()


def _rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Rotary positions on neighbouring pairs, as llama.cpp has them (halves are the other convention)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1).flatten(-2)
