"""How precisely sound is computed: the flow's steps may be coarser, all else stays in fp32."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch

SoundPrecision: TypeAlias = Literal["fp32", "fp16", "bf16"]

DTYPES: dict[SoundPrecision, torch.dtype] = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


def automatic(device: str) -> SoundPrecision:
    """The fastest that this device computes itself: bf16 where it can, else fp16 on a GPU and fp32 on a CPU."""
    if torch.device(device).type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"
    return "bf16" if torch.device(device).type == "cpu" and torch.cpu._is_avx512_bf16_supported() else "fp32"
