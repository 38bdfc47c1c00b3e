"""Matrices laid out once for the way they are multiplied at each token."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import torch
import torch.nn.functional as F

from engines.tts.decode.numerics import Numerics

if TYPE_CHECKING:
    from torch import Tensor

Linear: TypeAlias = Callable[["Tensor"], "Tensor"]
"""[n, in] → [n, out]."""

_FEWEST_ROWS = 4
"""oneDNN multiplies four rows faster than two or three."""
_SAFE_LEVELS, _LEVELS = 63, 127
"""Without VNNI, sums of two products of 8 bits each overflow 16 bits; 7 bits of input do not."""


def pack(weight: Tensor, bias: Tensor | None, numbers: Numerics, *, plain: bool = False) -> Linear:
    """`weight` [out, in] in the layout that is fastest where it lies; `plain` as torch.compile can read it."""
    bias = None if bias is None else bias.to(numbers.flow)
    if numbers.int8:
        if weight.device.type == "cpu" and not plain and _fbgemm():
            return IntegerLinear(weight, bias)
        return WeightOnlyLinear(weight, bias, numbers.flow)
    weight = weight.to(numbers.flow).contiguous()
    if weight.device.type == "cpu" and not plain and _onednn(weight):
        return PackedLinear(weight, bias)
    return PlainLinear(weight, bias)


class PlainLinear:
    """As torch has it."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self._weight, self._bias)


class PackedLinear:
    """In oneDNN's own layout: torch lays a matrix out anew each time it is used."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._packed, self._bias = torch.ops.mkldnn._reorder_linear_weight(weight, 2 * _FEWEST_ROWS), bias

    def __call__(self, x: Tensor) -> Tensor:
        count = len(x)
        padded = x if count >= _FEWEST_ROWS else F.pad(x, (0, 0, 0, _FEWEST_ROWS - count))
        return torch.ops.mkldnn._linear_pointwise(padded, self._packed, self._bias, "none", [], "")[:count]


class IntegerLinear:
    """8 bits by 8 bits: the matrix scaled per output, the input per row, so that no row touches another's numbers."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        quantized, scale = quantize(weight.float())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch means to give up such tensors, and has nothing as fast yet
            whole = torch._make_per_channel_quantized_tensor(
                quantized, scale.double(), torch.zeros(len(scale), dtype=torch.long), 0
            )
        self._packed = torch.ops.quantized.linear_prepack(whole, None)
        self._bias = bias
        self._levels = _LEVELS if torch.cpu._is_vnni_supported() else _SAFE_LEVELS

    def __call__(self, x: Tensor) -> Tensor:
        largest = x.abs().amax(1, keepdim=True).clamp_min_(1e-30)
        y = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            x / largest, 1 / self._levels, self._levels + 1, self._packed
        )
        return y.mul_(largest) if self._bias is None else torch.addcmul(self._bias, y, largest)


class WeightOnlyLinear:
    """8 bits at rest, multiplied in the numbers of the flow."""

    def __init__(self, weight: Tensor, bias: Tensor | None, flow: torch.dtype) -> None:
        self._quantized, scale = quantize(weight.float())
        self._scale, self._bias = scale.to(flow), bias

    def __call__(self, x: Tensor) -> Tensor:
        y = F.linear(x, self._quantized.to(x.dtype)) * self._scale
        return y if self._bias is None else y + self._bias


def quantize(weight: Tensor) -> tuple[Tensor, Tensor]:
    """[out, in] → int8 [out, in] and the scale of each output [out]."""
    scale = weight.abs().amax(1).clamp_min(1e-30) / _LEVELS
    return (weight / scale[:, None]).round().clamp(-_LEVELS, _LEVELS).to(torch.int8), scale


def _fbgemm() -> bool:
    made = hasattr(torch, "_make_per_channel_quantized_tensor")
    return made and str(torch.backends.quantized.engine) in ("x86", "fbgemm")


def _onednn(weight: Tensor) -> bool:
    if not torch.backends.mkldnn.is_available():
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return bool(weight.dtype == torch.float32)
