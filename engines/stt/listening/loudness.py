"""How loud a live speaker is, as far as was heard, so that a microphone turned low is heard like any other. Pure."""

from __future__ import annotations

import math

TARGET = 0.1
"""Root mean square (1 is full scale) that loud chunks of speech are brought to; louder ones stay as they are."""
MOST_GAIN = 31.6
"""30 dB: what is quieter than that is none that a microphone picked up on purpose."""
FLOOR = 3e-4
"""−70 dBFS: nothing is heard below."""
FADE_PER_SECOND = 0.9
"""A loud moment counts less and less: about 1 dB a second."""


class Loudness:
    """Of what is spoken, from one chunk after the other."""

    def __init__(self, gate_db: float) -> None:
        """So far below the loud parts nothing is heard."""
        self._gate = 10 ** (-gate_db / 20)
        self._loud = 0.0

    def hear(self, rms: float, seconds: float) -> None:
        """The next chunk."""
        self._loud = max(rms, self._loud * FADE_PER_SECOND**seconds)

    @property
    def gain(self) -> float:
        """What samples are to be multiplied by."""
        return gain_for(self._loud)

    def silent(self, rms: float) -> bool:
        """Whether a chunk is too quiet to be anything."""
        return rms < max(FLOOR, self._loud * self._gate)


def gain_for(rms: float) -> float:
    """For sound whose loud parts are so loud."""
    return min(MOST_GAIN, max(1.0, TARGET / rms)) if rms > 0 and math.isfinite(rms) else 1.0
