"""Whether the kernel killed for memory around a death: told from the growth of its own count."""

from __future__ import annotations

import time
from pathlib import Path

from config.capabilities import oom_counter

SPACING_SECONDS = 1.0


class OomWatch:
    """Remembers the count as it was one to two spacings ago, so that a look just before a death hides nothing."""

    def __init__(self, counter: Path | None = None) -> None:
        self._counter = counter if counter is not None else oom_counter()
        self._looked_at = time.monotonic()
        self._before = self._latest = self._count()

    def look(self) -> None:
        """Call it often while the process is known to live; it costs a file's read once a spacing."""
        now = time.monotonic()
        if now - self._looked_at >= SPACING_SECONDS:
            self._looked_at = now
            self._before, self._latest = self._latest, self._count()

    def killed(self) -> bool:
        """Whether the count has grown since; call it when the process has died of SIGKILL."""
        return self._count() > self._before

    def _count(self) -> int:
        """0 where it cannot be read: then no death counts as the kernel's."""
        try:
            lines = self._counter.read_text().splitlines() if self._counter is not None else []
            return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
        except (OSError, ValueError, IndexError):
            return 0
