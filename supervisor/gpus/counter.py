"""A rate out of a counter that only grows."""

from __future__ import annotations


class Counter:
    """Remembers what was counted last."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def per_second(self, count: float | None, at: float) -> float | None:
        """The rate since the last count; None at first, without a count, and where the counter began anew."""
        last, self._last = self._last, None if count is None else (count, at)
        if last is None or count is None or count < last[0] or at <= last[1]:
            return None
        return (count - last[0]) / (at - last[1])
