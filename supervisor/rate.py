"""A rate over the last seconds, from a counter that only grows."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 5.0


class Rate:
    """Counts per second over a sliding window; None until two readings lie in it."""

    def __init__(self, window_seconds: float = WINDOW_SECONDS) -> None:
        self._window_seconds = window_seconds
        self._readings: deque[tuple[float, int]] = deque()

    def read(self, at: float, count: int) -> None:
        """A reading of the counter; a counter that fell began anew (another process)."""
        if self._readings and count < self._readings[-1][1]:
            self._readings.clear()
        self._readings.append((at, count))
        while len(self._readings) > 2 and self._readings[1][0] <= at - self._window_seconds:
            self._readings.popleft()

    def clear(self) -> None:
        """Forget everything: the process is gone."""
        self._readings.clear()

    def per_second(self) -> float | None:
        """The rate over the window."""
        if len(self._readings) < 2:
            return None
        (first_at, first), (last_at, last) = self._readings[0], self._readings[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else None
