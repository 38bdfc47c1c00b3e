"""Which numbers are used where, for a precision on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

if TYPE_CHECKING:
    from torch import device as Device
    from torch import dtype as Dtype

Precision: TypeAlias = Literal["fp32", "fp16", "bf16", "int8"]

_FLOATS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Numerics:
    """Of what flows through the layers, and of the keys and values kept; `int8`: the layers' matrices are in 8 bits."""

    flow: Dtype
    kept: Dtype
    int8: bool


def numerics(precision: Precision, device: Device) -> Numerics:
    """With matrices in 8 bits, the rest is as precise as costs nothing there.

    On a CPU that multiplies bf16 itself half the bytes of keys and values take half the time.
    """
    if precision != "int8":
        return Numerics(_FLOATS[precision], _FLOATS[precision], int8=False)
    if device.type == "cpu":
        kept = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
        return Numerics(torch.float32, kept, int8=True)
    flow = torch.bfloat16 if device.type != "cuda" or torch.cuda.is_bf16_supported() else torch.float16
    return Numerics(flow, flow, int8=True)
