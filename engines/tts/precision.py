"""How precisely to compute, where the settings leave it open; no torch is needed to tell."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, TypeAlias

from engines.tts.settings import TtsSettings

Numbers: TypeAlias = Literal["fp32", "fp16", "bf16", "int8"]
BYTES: Final[dict[Numbers, int]] = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1}
NAMES: Final[dict[Numbers, str]] = {"fp32": "F32", "fp16": "F16", "bf16": "BF16", "int8": "INT8"}
"""As people know them from files."""
_FAST_BF16: Final = {"avx512_bf16", "amx_bf16", "bf16"}
"""Flags of processors that multiply such numbers themselves; the last one is Arm's."""


def for_tokens(settings: TtsSettings, *, on_gpu: bool) -> Numbers:
    """Of the part that writes tokens: 16 bits where the machine is made for them, else 32."""
    if settings.quantization != "auto":
        return settings.quantization
    return "bf16" if on_gpu or cpu_has_bf16() else "fp32"


def for_sound(settings: TtsSettings, *, on_gpu: bool) -> Literal["fp32", "fp16", "bf16"]:
    """Of the steps of the flow that makes sound, likewise."""
    if settings.sound_precision != "auto":
        return settings.sound_precision
    return "bf16" if on_gpu or cpu_has_bf16() else "fp32"


def cpu_has_bf16(information: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor has instructions for bf16; False where that is not told."""
    try:
        lines = information.read_text(errors="replace").splitlines()
    except OSError:
        return False
    told = (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features")))
    return not _FAST_BF16.isdisjoint(next(told, []))
