"""How loud a live speaker is, as far as was heard, so that a microphone turned low is heard like any other. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.stt.vad.level import FLOOR_DB, boost, levels

_EAR_DB: Final = -30.0
"""As loud are the loud parts of what speech is found in: there noise is least often taken for it."""
_MOST_GAIN_DB: Final = 40.0
"""What is quieter than that is nothing that a microphone was meant to hear."""
_FADE_DB: Final = 1.0
"""A second: a slammed door is forgotten in half a minute."""


class Loudness:
    """Of the loud parts, from one chunk after the other."""

    def __init__(self, gate_db: float) -> None:
        """So far below the loud parts nothing is heard."""
        self._gate_db = gate_db
        self._loud_db = FLOOR_DB

    def hear(self, level_db: float, seconds: float) -> None:
        """The next chunk is so loud, in dBFS."""
        self._loud_db = max(level_db, self._loud_db - _FADE_DB * seconds, FLOOR_DB)

    @property
    def gain(self) -> float:
        """What samples are multiplied by, so that speech is found in them."""
        return float(10 ** ((_EAR_DB - max(self._loud_db, _EAR_DB - _MOST_GAIN_DB)) / 20))

    def silent(self, level_db: float) -> bool:
        """Whether a chunk is too quiet to be anything."""
        return level_db < max(FLOOR_DB, self._loud_db - self._gate_db)


def heard(samples: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
    """As a model is to hear it: quiet speech made louder, like that of a recording."""
    return samples * np.float32(boost(levels(samples, frame)))
