"""Where sequences should lie: the library computes neighbours together, and goes once more for each gap."""

from __future__ import annotations

from collections.abc import Collection


def moves(running: Collection[int], free: Collection[int]) -> list[tuple[int, int]]:
    """The fewest moves, each from a sequence to a free one, that leave those running side by side."""
    count = len(running)
    if not count or max(running) - min(running) < count:
        return []
    fitting = [
        start
        for start in range(max((*running, *free)) + 2 - count)
        if all(number in running or number in free for number in range(start, start + count))
    ]
    if not fitting:
        return []
    start = max(fitting, key=lambda start: sum(number in running for number in range(start, start + count)))
    window = range(start, start + count)
    outside = sorted(number for number in running if number not in window)
    return list(zip(outside, (number for number in window if number not in running), strict=True))
