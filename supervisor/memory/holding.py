"""Whether the next flight fits: work waits for memory only where its learned peak exceeds what is really free."""

from __future__ import annotations

from supervisor.memory.wording import free, needed


def flight_hold(measured: int | None, claimed: int, free_now: int | None) -> str:
    """Why the next flight would not fit, in bytes on one GPU; empty where it would, or nobody knows.

    `claimed` is the learned peak, `measured` what the engine holds of it now, `free_now` what the card has left.
    """
    if measured is None or free_now is None:
        return ""
    more = claimed - measured
    if more <= max(free_now, 0):
        return ""
    return f"the next flight takes up to {needed(more, estimated=False)} more, and {free(free_now)} are free"
