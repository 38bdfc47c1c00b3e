"""The loudness of a whole book as it streams by, and the gain that brings it to where it is wanted.

`ITU-R BS.1770-4 <https://www.itu.int/rec/R-REC-BS.1770>`_, with the filters of pyloudnorm, whose figures it gives.
"""

from __future__ import annotations

import math
from array import array
from typing import Final

import numpy as np

from engines.tts.audio.trim import Sound
from engines.tts.unit import RATE

HOP: Final = RATE // 10
"""Samples from one block to the next: 100 ms."""
HOPS: Final = 4
"""Of a block: 400 ms, of which three quarters lie in the next one too."""
PEAK: Final = 10 ** (-1 / 20)
"""-1 dBFS, below which all samples stay: what lossy codecs add needs room."""
_ABSOLUTE_GATE: Final = -70.0
_RELATIVE_GATE: Final = -10.0


class Meter:
    """Hears all of a sound of one channel, in pieces of any length."""

    def __init__(self) -> None:
        from pyloudnorm.iirfilter import IIRfilter  # it takes half a second, so only who measures pays for it

        shelf = IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, RATE, "high_shelf")
        pass_ = IIRfilter(0.0, 0.5, 38.0, RATE, "high_pass")
        self._sections = np.array([[*one.b, *one.a] for one in (shelf, pass_)])
        self._state = np.zeros((len(self._sections), 2))
        self._rest = np.zeros(0)
        self._hops = array("d")
        self._samples = 0
        self.peak = 0.0
        """The largest sample so far, as a number above 0."""

    def hear(self, sound: Sound) -> None:
        """The next piece."""
        from scipy.signal import sosfilt

        if not len(sound):
            return
        self.peak = max(self.peak, float(np.abs(sound).max()))
        self._samples += len(sound)
        weighted, self._state = sosfilt(self._sections, sound.astype(np.float64), zi=self._state)
        power = np.concatenate((self._rest, np.square(weighted)))
        whole = len(power) // HOP * HOP
        self._hops.extend(power[:whole].reshape(-1, HOP).sum(axis=1))
        self._rest = power[whole:]

    def integrated(self) -> float:
        """LUFS; minus infinity for silence, and for less than a block."""
        hops = np.array([*self._hops, self._rest.sum()])
        blocks = round(self._samples / HOP - HOPS) + 1  # the last one may lack up to half a hop
        if self._samples < HOP * HOPS:
            return -math.inf
        powers = np.convolve(hops, np.ones(HOPS), "valid")[:blocks] / (HOP * HOPS)
        for gate in (_power(_ABSOLUTE_GATE), None):
            powers = powers[powers > (powers.mean() * 10 ** (_RELATIVE_GATE / 10) if gate is None else gate)]
            if not len(powers):
                return -math.inf
        return _lufs(float(powers.mean()))


def gain(measured: float, wanted: float, peak: float) -> float:
    """What to multiply with, so that it is as loud as `wanted` (LUFS) and its peak stays below `PEAK`.

    1 where nothing is wanted (0), or nothing was heard.
    """
    if wanted == 0 or measured == -math.inf or peak == 0:
        return 1.0
    return min(float(10 ** ((wanted - measured) / 20)), PEAK / peak)


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))
