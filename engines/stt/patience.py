"""How long a batch may take before it counts as hung: the library tells nothing while it computes. Pure."""

from __future__ import annotations

from typing import Final

_LEAST_SECONDS: Final = 600.0
"""No batch counts as hung before, nor each window of the first: a large model on a slow CPU is that slow."""
_TIMES: Final = 10.0
"""So many times the slowest window that was seen may each window take."""


class Patience:
    """Of one model on one machine."""

    def __init__(self) -> None:
        self._slowest = 0.0

    def learn(self, windows: int, seconds: float) -> None:
        """A batch of so many took so long."""
        self._slowest = max(self._slowest, seconds / windows)

    def seconds(self, windows: int) -> float:
        """For a batch of so many."""
        if not self._slowest:
            return _LEAST_SECONDS * windows
        return max(_LEAST_SECONDS, _TIMES * self._slowest * windows)
