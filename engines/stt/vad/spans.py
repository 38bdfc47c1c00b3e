"""From probabilities of speech to where somebody speaks, in frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_DOUBT: Final = 0.15
"""Somebody who speaks goes on until the probability is so much below the threshold."""
_LEAST_THRESHOLD: Final = 0.01


class Run(NamedTuple):
    """Frames `begin` to `end`, in all of which somebody speaks."""

    begin: int
    end: int


@dataclass(frozen=True)
class Finder:
    """What counts as speech."""

    threshold: float
    least: int = 3
    """Frames of speech below which nobody has spoken: a click."""
    shortest_gap: int = 3
    """Fewer frames without speech are no gap: a stop consonant."""

    def runs(self, probabilities: NDArray[np.float32]) -> list[Run]:
        """Where somebody speaks; the gaps between are real ones."""
        joined = list[Run]()
        for run in self._raw(probabilities):
            if joined and run.begin - joined[-1].end < self.shortest_gap:
                joined[-1] = Run(joined[-1].begin, run.end)
            else:
                joined.append(run)
        return [run for run in joined if run.end - run.begin >= self.least]

    def _raw(self, probabilities: NDArray[np.float32]) -> list[Run]:
        """Begun at the threshold, ended below doubt."""
        lower = max(self.threshold - _DOUBT, _LEAST_THRESHOLD)
        kind = np.where(probabilities >= self.threshold, 1, np.where(probabilities < lower, -1, 0))
        told = np.flatnonzero(kind)
        speaks, runs, begin = False, list[Run](), 0
        for at in told[np.flatnonzero(np.diff(kind[told], prepend=-1))].tolist():  # only where it changes
            speaks = not speaks
            if speaks:
                begin = at
            else:
                runs.append(Run(begin, at))
        if speaks:
            runs.append(Run(begin, len(probabilities)))
        return runs
