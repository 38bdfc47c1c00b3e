"""How precise a file's weights are: the name of its quantization, and the level that it counts as."""

from __future__ import annotations

from engines.appraisal import LEVELS, Level

FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K_M", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS",
    20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_S",
    28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
    39: "NVFP4", 40: "Q1_0", 41: "Q2_0",
}  # fmt: skip
"""`general.file_type` as llama.cpp names it."""

_BITS_UP_TO: tuple[tuple[float, Level], ...] = ((6.2, "q4"), (12.0, "q8"), (20.0, "q16"))
"""Q5 mixtures stay below 6.2 bits a weight, Q6 lies at 6.6 and Q8 at 8.5."""


def level_of(file_type: int | None, bits_per_weight: float) -> Level:
    """By the file's own word, and by its size where it gives none that is known."""
    name = FILE_TYPES.get(file_type) if file_type is not None else None
    if name is None:
        return next((level for limit, level in _BITS_UP_TO if bits_per_weight <= limit), "q32")
    if name.endswith(("F32", "F16")):
        return "q32" if name == "F32" else "q16"
    return "q8" if name in {"Q6_K", "Q8_0"} else "q4"


def rank(level: Level) -> int:
    """The finer, the higher."""
    return LEVELS.index(level)
