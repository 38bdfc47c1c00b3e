"""Sounds of the parts of one order, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.tts.sound.flac import Floats
from engines.tts.unit import RATE

_FADE = RATE * 20 // 1000
"""Samples in which one sound goes over into the next, with equal power."""


def joined(sounds: Sequence[Floats], pauses_ms: Sequence[int]) -> Floats:
    """All of them; after each but the last so much silence, or, where that is none, a crossfade of 20 ms."""
    whole = sounds[0]
    for sound, pause_ms in zip(sounds[1:], pauses_ms, strict=False):
        if pause_ms:
            whole = np.concatenate([whole, np.zeros(RATE * pause_ms // 1000, np.float32), sound])
        else:
            whole = _crossfaded(whole, sound)
    return whole


def _crossfaded(one: Floats, other: Floats) -> Floats:
    length = min(_FADE, len(one), len(other))
    if length == 0:
        return np.concatenate([one, other])
    angle = np.linspace(0, np.pi / 2, length, dtype=np.float32)
    middle = one[-length:] * np.cos(angle) + other[:length] * np.sin(angle)
    return np.concatenate([one[:-length], middle, other[length:]])
