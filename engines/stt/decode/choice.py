"""How many windows to decode together where nobody says it: more of them while that makes each of them cheaper.

On a GPU a batch costs hardly more than one window; on a CPU it often costs as much as all of them, and the first of
them waits for the last. So it is measured, on this model and machine, with the windows that wait anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TRIALS: Final = 3
"""Batches of a size before it is judged; the first of them, which finds caches cold, is not counted."""
_AGAIN: Final = 64
"""After so many batches the sizes beside the chosen one are tried again: other sounds, other neighbours."""
_WORTH: Final = 0.97
"""A bigger size has to be so much quicker for each window, for people wait for the whole of it."""
_FORGET: Final = 0.3
"""Weight of the newest batch."""


@dataclass
class _Pace:
    seconds: float = 0.0
    """For each window, lately."""
    batches: int = 0

    @property
    def known(self) -> bool:
        return self.batches >= _TRIALS


class Choice:
    """Of sizes 1, 2, 4, … up to the most that may be."""

    def __init__(self) -> None:
        self._paces: dict[int, _Pace] = {}
        self._most: int | None = None
        self._since = 0

    def size(self, waiting: int, most: int) -> int:
        """For the next batch, when so many windows wait and `most` may be decoded together."""
        allowed = [size for size in _sizes(most) if self._most is None or size <= self._most]
        usual = self._best(allowed)
        tried = next((size for size in self._worth_trying(allowed, usual) if size <= waiting), None)
        return min(waiting, tried or usual)

    def within(self, most: int, seconds: float) -> int:
        """The most windows that are computed in so long, as far as is known; at least 1."""
        best, each = 1, None
        for size in _sizes(most):
            pace = self._paces.get(size)
            each = pace.seconds if pace is not None else each  # of one never tried, as if more were no cheaper
            if each is not None and each * size <= seconds:
                best = size
        return best

    def learn(self, windows: int, seconds: float) -> None:
        """A batch of so many took so long."""
        self._since += 1
        if windows & (windows - 1):  # what was left over is none of the sizes
            return
        pace = self._paces.setdefault(windows, _Pace())
        pace.batches += 1
        each = seconds / windows
        pace.seconds = each if pace.batches <= 2 else pace.seconds + _FORGET * (each - pace.seconds)
        if self._since >= _AGAIN and self._best(list(self._paces)) == windows:
            self._since = 0
            for beside in (windows // 2, windows * 2):
                if beside in self._paces:
                    self._paces[beside].batches = _TRIALS - 1  # one more decides, on top of what was known

    def too_many(self, windows: int) -> None:
        """Memory did not suffice for so many: from now on fewer, and never more again."""
        below = max(_sizes(windows - 1), default=1)
        self._most = below if self._most is None else min(self._most, below)

    def _best(self, allowed: list[int]) -> int:
        """The quickest of those that are known; of like ones the smaller."""
        best = 1
        for size in sorted(allowed):
            pace, before = self._paces.get(size), self._paces.get(best)
            if size == best or pace is None or not pace.known:
                continue
            if before is None or not before.known or pace.seconds < _WORTH * before.seconds:
                best = size
        return best

    def _worth_trying(self, allowed: list[int], usual: int) -> Iterator[int]:
        """The usual one until it is known, then those beside it."""
        for size in (usual, usual * 2, usual // 2):
            if size in allowed and not self._paces.get(size, _Pace()).known:
                yield size


def _sizes(most: int) -> Iterator[int]:
    size = 1
    while size <= most:
        yield size
        size *= 2
