"""Which texts are computed together: of one length, so that little is computed for nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_SHARE = 16
"""One token in so many may be padding."""


def company(lengths: Sequence[int], first: int, most: int, spare: int) -> list[int]:
    """Indices of up to `most` texts to compute together with `first`, that one included, those nearest in length first.

    All are padded to the longest; that may come to `spare` tokens, or to a sixteenth of what is computed. A further run
    costs about as much as `spare` tokens do.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    low = high = order.index(first)
    total = longest = lengths[first]
    while high - low + 1 < most:
        below = lengths[order[low - 1]] if low > 0 else None
        above = lengths[order[high + 1]] if high + 1 < len(order) else None
        if below is None and above is None:
            break
        up = below is None or (above is not None and above - longest <= lengths[first] - below)
        length = above if up else below
        assert length is not None
        count, longer = high - low + 2, max(longest, length)
        if longer * count - total - length > max(spare, (total + length) // _SHARE):
            break
        total, longest = total + length, longer
        low, high = (low, high + 1) if up else (low - 1, high)
    return order[low : high + 1]


def worth_waiting(*, waiting: int, most: int, aloft: int, lately: int) -> bool:
    """Whether company may come that makes a pause pay: fewer texts wait than fit into one run, and fewer requests are
    in the air than were answered together last time. Who asks alone, one thing after the other, never waits."""
    return waiting < most and aloft < lately
