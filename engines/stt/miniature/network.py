"""The network of the miniature while it learns: Whisper as functions over a dictionary of named weights."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import torch
from torch.nn import functional

from engines.stt.miniature.shape import Shape

Weights: TypeAlias = dict[str, torch.Tensor]

FIXED = "encoder.embed_positions.weight"
"""Is given, and never learned."""
HELPER = "helper"
"""A layer that names the word in each place of the sound: the encoder learns from it too; it is then thrown away."""
_TAIL = 24


class Encoded(NamedTuple):
    """What was heard, [batch, places, width]; the first `heard` places are of the sound, the others of the silence that
    Whisper appends."""

    places: torch.Tensor
    mask: torch.Tensor
    heard: int


def fresh_weights(shape: Shape, classes: int, randomness: torch.Generator) -> Weights:
    """Drawn as PyTorch's own layers draw theirs."""
    weights: Weights = {}
    sizes = shape.arrays() | {f"{HELPER}.weight": (classes, shape.width), f"{HELPER}.bias": (classes,)}
    for name, size in sizes.items():
        layer, _, kind = name.rpartition(".")
        if name == FIXED:
            weights[name] = _waves(shape.positions, shape.width)
            continue
        if layer.endswith("norm"):
            weights[name] = torch.ones(size) if kind == "weight" else torch.zeros(size)
        elif "embed" in layer:
            deviation = shape.width**-0.5 if layer.endswith("tokens") else 0.02
            weights[name] = torch.randn(size, generator=randomness) * deviation
        else:
            bound = math.prod(sizes[f"{layer}.weight"][1:]) ** -0.5
            weights[name] = (torch.rand(size, generator=randomness) * 2 - 1) * bound
        weights[name].requires_grad_(True)
    return weights


def encode(weights: Weights, shape: Shape, features: torch.Tensor, randomness: torch.Generator) -> Encoded:
    """Of features [batch, 80, frames].

    Whisper always hears its 1500 places, of which those behind the sound are alike but for their positions. Some that
    are drawn at random stand for all of them here, each with as much weight as it stands for: the same attention for a
    fraction of the work.
    """
    x = _listen(weights, functional.pad(features, (0, 4)))[:, :-2]
    heard = x.shape[1]
    silence = _listen(weights, features.new_zeros(1, shape.mels, 16))[:, 4:5]
    positions = weights[FIXED]
    drawn = torch.randint(heard, shape.positions, (_TAIL,), generator=randomness)
    tail = (silence + positions[drawn]).expand(len(x), -1, -1)
    x = torch.cat((x + positions[:heard], tail), dim=1)
    mask = x.new_zeros(1, 1, 1, heard + _TAIL)
    mask[..., heard:] = math.log((shape.positions - heard) / _TAIL)
    for number in range(shape.encoder_layers):
        layer = f"encoder.layers.{number}"
        h = _norm(weights, f"{layer}.self_attn_layer_norm", x)
        x = x + _attention(weights, f"{layer}.self_attn", shape, h, h, mask)
        x = x + _forward(weights, layer, x)
    return Encoded(_norm(weights, "encoder.layer_norm", x), mask, heard)


def scores(weights: Weights, shape: Shape, tokens: torch.Tensor, encoded: Encoded) -> torch.Tensor:
    """How likely each token comes next, at each place of tokens [batch, length]."""
    table = weights["decoder.embed_tokens.weight"]
    x = functional.embedding(tokens, table) + weights["decoder.embed_positions.weight"][: tokens.shape[1]]
    for number in range(shape.decoder_layers):
        layer = f"decoder.layers.{number}"
        h = _norm(weights, f"{layer}.self_attn_layer_norm", x)
        x = x + _attention(weights, f"{layer}.self_attn", shape, h, h, None)
        h = _norm(weights, f"{layer}.encoder_attn_layer_norm", x)
        x = x + _attention(weights, f"{layer}.encoder_attn", shape, h, encoded.places, encoded.mask)
        x = x + _forward(weights, layer, x)
    return _norm(weights, "decoder.layer_norm", x) @ table.T


def spelled(weights: Weights, encoded: Encoded) -> torch.Tensor:
    """Logarithms of how likely each word, or none, is at each place of the sound."""
    return functional.log_softmax(_linear(weights, HELPER, encoded.places[:, : encoded.heard]), dim=-1)


def _listen(weights: Weights, features: torch.Tensor) -> torch.Tensor:
    x = functional.gelu(_convolved(weights, "encoder.conv1", features, 1))
    return functional.gelu(_convolved(weights, "encoder.conv2", x, 2)).transpose(1, 2)


def _convolved(weights: Weights, name: str, x: torch.Tensor, stride: int) -> torch.Tensor:
    return functional.conv1d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, padding=1)


def _attention(
    weights: Weights, name: str, shape: Shape, x: torch.Tensor, other: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Of `x` to `other`; without a mask each place sees only those before it."""
    batch, length, width = x.shape

    def heads(part: str, of: torch.Tensor) -> torch.Tensor:
        return _linear(weights, f"{name}.{part}_proj", of).view(batch, -1, shape.heads, width // shape.heads)

    q, k, v = (one.transpose(1, 2) for one in (heads("q", x), heads("k", other), heads("v", other)))
    mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
    return _linear(weights, f"{name}.out_proj", mixed.transpose(1, 2).reshape(batch, length, width))


def _forward(weights: Weights, layer: str, x: torch.Tensor) -> torch.Tensor:
    h = functional.gelu(_linear(weights, f"{layer}.fc1", _norm(weights, f"{layer}.final_layer_norm", x)))
    return _linear(weights, f"{layer}.fc2", h)


def _linear(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    return functional.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def _norm(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])


def _waves(positions: int, width: int) -> torch.Tensor:
    """Sines and cosines of falling frequency, as Whisper has them."""
    step = math.log(10_000) / (width // 2 - 1)
    turns = torch.arange(positions)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat((turns.sin(), turns.cos()), dim=1)
