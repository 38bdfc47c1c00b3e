"""The two backbones, over the library's own weights: many rows through each layer, attention left to the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import torch
import torch.nn.functional as F

from engines.tts.decode.linear import Linear, pack
from engines.tts.decode.numerics import Numerics

if TYPE_CHECKING:
    from torch import Tensor

Attend: TypeAlias = Callable[[int, "Tensor", "Tensor", "Tensor"], "Tensor"]
"""Layer, queries, keys, values [n, heads, width] → [n, heads * width]; it keeps keys and values for later."""


class Backbone(Protocol):
    """A stack of layers; tokens of many chunks lie beside each other, [n, dimensions]."""

    layers: int
    heads: int
    width: int
    """Of a head."""

    def place(self, positions: Tensor) -> Sequence[Tensor]:
        """What a layer must know of positions [n]."""

    def __call__(self, x: Tensor, placed: Sequence[Tensor], attend: Attend) -> Tensor:
        """[n, dimensions] → the same after the last norm."""


@dataclass(frozen=True)
class _LlamaLayer:
    before: Tensor
    qkv: Linear
    out: Linear
    after: Tensor
    gate_up: Linear
    down: Linear


class Llama:
    """As `transformers.LlamaModel` computes it (English and multilingual)."""

    def __init__(self, model: Any, numbers: Numerics, *, longest: int, plain: bool, take: bool) -> None:
        config = model.config
        self.layers, self.heads, self.width = config.num_hidden_layers, config.num_attention_heads, config.head_dim
        self._epsilon = config.rms_norm_eps
        self._norm = model.norm.weight.detach().to(numbers.flow)
        at = torch.arange(longest, device=self._norm.device)[None]
        # [longest, width]: the model's own rotary module knows how llama3 stretches its frequencies.
        cos, sin = model.rotary_emb(self._norm.new_empty(0, dtype=torch.float32), at)
        half = self.width // 2
        sin = torch.cat((-sin[..., :half], sin[..., half:]), -1)
        self._cos, self._sin = cos[0].to(numbers.flow), sin[0].to(numbers.flow)
        self._layers = [self._pack(layer, numbers, plain, take) for layer in model.layers]

    def _pack(self, layer: Any, numbers: Numerics, plain: bool, take: bool) -> _LlamaLayer:
        attention, mlp = layer.self_attn, layer.mlp

        def joined(*parts: Any) -> Linear:
            weight = torch.cat([part.weight.detach() for part in parts])
            if take:
                _take(*parts)
            return pack(weight, None, numbers, plain=plain)

        return _LlamaLayer(
            layer.input_layernorm.weight.detach().to(numbers.flow),
            joined(attention.q_proj, attention.k_proj, attention.v_proj),
            joined(attention.o_proj),
            layer.post_attention_layernorm.weight.detach().to(numbers.flow),
            joined(mlp.gate_proj, mlp.up_proj),
            joined(mlp.down_proj),
        )

    def place(self, positions: Tensor) -> Sequence[Tensor]:
        return self._cos[positions][:, None, None], self._sin[positions][:, None, None]

    def __call__(self, x: Tensor, placed: Sequence[Tensor], attend: Attend) -> Tensor:
        count, size = len(x), x.shape[-1:]
        half = self.width // 2
        cos, sin = placed
        for number, layer in enumerate(self._layers):
            qkv = layer.qkv(F.rms_norm(x, size, layer.before, self._epsilon)).view(count, 3, self.heads, self.width)
            qk = qkv[:, :2]
            # Rotating half: (-second, first) · sin, with the sign in the table.
            q, k = (qk * cos + torch.cat((qk[..., half:], qk[..., :half]), -1) * sin).unbind(1)
            x = x + layer.out(attend(number, q, k, qkv[:, 2]))
            gate, up = layer.gate_up(F.rms_norm(x, size, layer.after, self._epsilon)).chunk(2, -1)
            x = x + layer.down(F.silu(gate) * up)
        return F.rms_norm(x, size, self._norm, self._epsilon)


@dataclass(frozen=True)
class _Gpt2Layer:
    before: tuple[Tensor, Tensor]
    qkv: Linear
    out: Linear
    after: tuple[Tensor, Tensor]
    up: Linear
    down: Linear


class Gpt2:
    """As `transformers.GPT2Model` computes it (Turbo)."""

    def __init__(self, model: Any, numbers: Numerics, *, plain: bool, take: bool) -> None:
        config = model.config
        self.layers, self.heads = config.n_layer, config.n_head
        self.width = config.n_embd // config.n_head
        self._epsilon = config.layer_norm_epsilon
        self._flow = numbers.flow
        self._norm = self._norm_of(model.ln_f)
        self._positions = model.wpe.weight.detach().to(numbers.flow)
        self._layers = [self._pack(layer, numbers, plain, take) for layer in model.h]

    def _norm_of(self, norm: Any) -> tuple[Tensor, Tensor]:
        return norm.weight.detach().to(self._flow), norm.bias.detach().to(self._flow)

    def _pack(self, layer: Any, numbers: Numerics, plain: bool, take: bool) -> _Gpt2Layer:
        def packed(part: Any) -> Linear:
            weight, bias = part.weight.detach().t().contiguous(), part.bias.detach()
            if take:
                _take(part)
            return pack(weight, bias, numbers, plain=plain)

        return _Gpt2Layer(
            self._norm_of(layer.ln_1),
            packed(layer.attn.c_attn),
            packed(layer.attn.c_proj),
            self._norm_of(layer.ln_2),
            packed(layer.mlp.c_fc),
            packed(layer.mlp.c_proj),
        )

    def place(self, positions: Tensor) -> Sequence[Tensor]:
        return (self._positions[positions],)

    def __call__(self, x: Tensor, placed: Sequence[Tensor], attend: Attend) -> Tensor:
        count, size = len(x), x.shape[-1:]
        x = x + placed[0]
        for number, layer in enumerate(self._layers):
            qkv = layer.qkv(F.layer_norm(x, size, *layer.before, self._epsilon)).view(count, 3, self.heads, self.width)
            q, k, v = qkv.unbind(1)
            x = x + layer.out(attend(number, q, k, v))
            x = x + layer.down(F.gelu(layer.up(F.layer_norm(x, size, *layer.after, self._epsilon)), approximate="tanh"))
        return F.layer_norm(x, size, *self._norm, self._epsilon)


def _take(*parts: Any) -> None:
    """Let the library's module go without its matrix, which lies in ours now."""
    for part in parts:
        part.weight.data = part.weight.data.new_empty(0)
