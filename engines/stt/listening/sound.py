"""The sound of what is being said: bounded, cut at its quietest place when it is too long, as loud as any. Pure."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.stt.listening.endpoint import CHUNK

Samples: TypeAlias = NDArray[np.float32]

BEFORE_CHUNKS = 10
"""0.3 s are kept from before somebody was heard to speak."""
CUT_FROM, CUT_TO = 0.5, 0.95
"""The part of the sound that a cut is looked for in."""
_SMOOTH_CHUNKS = 3


class Sound:
    """Chunks of 512 samples, of which the last `BEFORE_CHUNKS` are kept where nobody speaks."""

    def __init__(self, longest: int) -> None:
        """`longest` is in samples."""
        self._longest = longest // CHUNK
        self._chunks: deque[Samples] = deque()

    @property
    def full(self) -> bool:
        """Whether no more may be added before a cut."""
        return len(self._chunks) >= self._longest

    @property
    def long(self) -> bool:
        """Whether any pause is welcome to begin anew."""
        return len(self._chunks) >= self._longest // 2

    def add(self, chunk: Samples) -> None:
        """The next 512 samples."""
        self._chunks.append(chunk)

    def forget(self, keep: int = BEFORE_CHUNKS) -> None:
        """Keep only what may be the beginning of what is said next: so many chunks at most."""
        while len(self._chunks) > min(keep, BEFORE_CHUNKS):
            self._chunks.popleft()

    def samples(self) -> Samples:
        """All of it."""
        return np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.float32)

    def cut(self) -> Samples:
        """Take away what lies before the quietest place of its later half."""
        at = quietest([float(np.square(chunk).mean()) for chunk in self._chunks])
        return np.concatenate([self._chunks.popleft() for _ in range(at)])


def quietest(powers: list[float]) -> int:
    """The place between two words, for all that loudness tells: the middle of the quietest three in a row."""
    begin, end = int(len(powers) * CUT_FROM), max(int(len(powers) * CUT_TO), 1)
    smooth = [sum(powers[max(0, at - 1) : at + _SMOOTH_CHUNKS - 1]) for at in range(len(powers))]
    return max(1, min(range(begin, max(end, begin + 1)), key=lambda at: smooth[at]))
