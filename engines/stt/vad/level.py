"""How loud a recording is, frame by frame: what is too quiet to be speech, and how much louder the rest should be.

Levels are dBFS: the mean power of a frame, 0 for a square wave as loud as can be.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR_DB: Final = -78.0
"""Below is digital silence: the rounding of 16 bits makes about -96 dB, a muted microphone a little more."""
_LOUD_PART: Final = 98
"""Percent of the frames that are not louder than the loud parts: a slammed door is no loud part of a minute."""
_HOLD: Final = 8
"""Frames before and after a loud enough one that pass too: the ends of words are quiet."""
_NEAR: Final = 16
"""Frames before and after one that are as near as the same word: they are made louder alike."""
_LEAST_POWER: Final = 1e-12
_SPEECH_DB: Final = -20.0
"""As loud are the loud parts of speech made for the model, where it is quieter."""
_MOST_BOOST_DB: Final = 60.0
_LEAST_BOOST_DB: Final = 6.0
"""Less is left as it is."""

Decibels = NDArray[np.float64]


def levels(samples: NDArray[np.float32], frame: int) -> Decibels:
    """The level of each frame; the last one may be short."""
    whole = len(samples) // frame * frame
    blocks = samples[:whole].reshape(-1, frame)
    powers = np.einsum("ij,ij->i", blocks, blocks, dtype=np.float64) / frame
    if whole < len(samples):
        powers = np.append(powers, np.square(samples[whole:], dtype=np.float64).mean())
    return np.asarray(10 * np.log10(powers + _LEAST_POWER))


def loud(of: Decibels) -> float | None:
    """The level of the loud parts; None where all is digital silence."""
    audible = of[of >= FLOOR_DB]
    return float(np.percentile(audible, _LOUD_PART)) if len(audible) else None


def passing(of: Decibels, gate_db: float) -> NDArray[np.bool_]:
    """Which frames can hold speech: not `gate_db` below the loud parts, not digital silence, or beside such a frame."""
    reference = loud(of)
    if reference is None:
        return np.zeros(len(of), np.bool_)
    open_ = of >= max(FLOOR_DB, reference - gate_db)
    spread = np.convolve(open_, np.ones(2 * _HOLD + 1, np.int64))[_HOLD : _HOLD + len(of)]
    return np.asarray(spread > 0)


def even(samples: NDArray[np.float32], frame: int, gate_db: float, wanted_db: float) -> NDArray[np.float32]:
    """The samples with whoever speaks as loud as the wanted level, the quiet as the loud; whole frames of them.

    What the gate keeps out stays as far below as it is.
    """
    of = levels(samples, frame)
    reference = loud(of)
    if reference is None:
        return samples
    around = np.pad(np.maximum(of, max(FLOOR_DB, reference - gate_db)), _NEAR, mode="edge")
    wanted = wanted_db - np.lib.stride_tricks.sliding_window_view(around, 2 * _NEAR + 1).max(axis=1)
    smooth = np.convolve(np.pad(wanted, _NEAR, mode="edge"), np.full(2 * _NEAR + 1, 1 / (2 * _NEAR + 1)), "valid")
    middles = np.arange(len(of)) * frame + frame // 2
    return samples * np.interp(np.arange(len(samples)), middles, 10 ** (smooth / 20)).astype(np.float32)


def boost(of: Decibels) -> float:
    """What quiet samples are multiplied by, so that the model hears them as any; 1 for what is loud."""
    reference = loud(of)
    missing = _SPEECH_DB - reference if reference is not None else 0.0
    return round(10 ** (min(missing, _MOST_BOOST_DB) / 20), 2) if missing >= _LEAST_BOOST_DB else 1.0
