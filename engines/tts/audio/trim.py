"""Where in a unit's sound somebody speaks: silence at its edges goes, in favour of pauses that are meant."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np

from engines.tts.unit import RATE

Sound: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
"""Samples of one channel, -1..1."""

WINDOW: Final = RATE // 100
"""10 ms: loudness is looked at in windows of so many samples."""
QUIET: Final = 10 ** (-50 / 20)
"""A window below this share of the sound's peak is silence; the weakest consonants lie above it."""
MARGIN: Final = RATE * 30 // 1000
"""What is kept before and after: 30 ms, more than a fade, so that no fade touches speech."""


def spoken(sound: Sound) -> tuple[int, int]:
    """The first sample to keep, and the first after those. What is silent throughout is kept as it is."""
    peak = float(np.abs(sound).max(initial=0))
    if peak == 0:
        return 0, len(sound)
    starts = np.arange(0, len(sound), WINDOW)
    lengths = np.diff(starts, append=len(sound))
    energy = np.add.reduceat(np.square(sound, dtype=np.float64), starts) / lengths
    (loud,) = np.nonzero(energy >= (QUIET * peak) ** 2)
    return max(0, int(loud[0]) * WINDOW - MARGIN), min(len(sound), (int(loud[-1]) + 1) * WINDOW + MARGIN)
