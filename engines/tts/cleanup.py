"""When memory that torch keeps for later goes back to the GPU. Pure."""

from __future__ import annotations

import math
from typing import Final

from engines.tts.settings import TtsSettings

AT_MOST_EVERY: Final = 5
"""Chunks: giving back and taking again takes time."""
_SHARE: Final = 0.10
_LEAST_BYTES, _MOST_BYTES = 256 * 2**20, 2 * 2**30
_CHARACTERS_OF_WORD: Final = 6
_GIB: Final = 2**30


def why(settings: TtsSettings, *, since: int, chunks: int, spare_bytes: int, total_bytes: int, over: bool) -> str:
    """The reason to give it back now, in words, or empty.

    `since` counts chunks after the last time, `chunks` those of the whole work; `spare_bytes` are reserved and not
    allocated, `total_bytes` the GPU's; `over` tells that the last chunk in the air has ended.
    """
    if over:
        return "the work is done"
    if settings.cleanup == "auto":
        if since >= AT_MOST_EVERY and spare_bytes > bound_bytes(total_bytes):
            return f"{spare_bytes / _GIB:.1f} GiB were spare"
        return ""
    every = settings.cleanup_every
    if settings.cleanup == "adaptive":
        every = max(AT_MOST_EVERY, chunks // settings.cleanup_every)
    if since < every:
        return ""
    return f"{since} chunks were spoken" if since > 1 else "a chunk was spoken"


def bound_bytes(total_bytes: int) -> int:
    """What may lie idle: a tenth of the GPU, within reason."""
    return min(max(int(_SHARE * total_bytes), _LEAST_BYTES), _MOST_BYTES)


def chunks_of(words: int, characters: int) -> int:
    """About how many chunks of so many characters a document of so many words makes."""
    return math.ceil(words * _CHARACTERS_OF_WORD / characters)
