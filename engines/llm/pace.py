"""How much of prompts may be read in one batch while somebody watches: as much as a watcher does not notice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

STALL_SECONDS = 0.1
"""A batch with prompts in it may take about so long."""
LEAST_TOKENS = 16
"""So many are read even where they take longer."""
_WEIGHT = 0.3


class Pace:
    """Measures how fast prompts are read on this machine."""

    def __init__(self) -> None:
        self._rate = 0.0

    @contextmanager
    def over(self, tokens: int) -> Iterator[None]:
        """Around the reading of so many tokens; few tell nothing, since they take as long as one."""
        started = time.perf_counter()
        yield
        if tokens >= LEAST_TOKENS:
            rate = tokens / max(time.perf_counter() - started, 1e-6)
            self._rate = rate if not self._rate else self._rate + _WEIGHT * (rate - self._rate)

    def room(self) -> int:
        """Tokens; the least until something was measured."""
        return max(LEAST_TOKENS, int(self._rate * STALL_SECONDS))
