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
