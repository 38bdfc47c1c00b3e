"""Which rows chunks have, and how those that leave are made up for; pure."""

from __future__ import annotations

from collections.abc import Iterable


def moves(count: int, leaving: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """(from, to) so that what stays of `count` rows lies at the front again: the last ones go into the holes."""
    holes = set(leaving)
    staying = count - len(holes)
    behind = (row for row in range(count - 1, staying - 1, -1) if row not in holes)
    return tuple(zip(behind, sorted(hole for hole in holes if hole < staying), strict=True))


def next_power_of_two(count: int) -> int:
    """1, 2, 4, 8, …"""
    return 1 << max(0, count - 1).bit_length()
