"""What this process holds of the host's memory, measured; and giving back what is free."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil


def rss_bytes() -> int:
    """Resident memory of this process now."""
    return int(psutil.Process().memory_info().rss)


class Growth:
    """How much more memory this process holds than when this was made: the footprint of a load on the CPU."""

    def __init__(self) -> None:
        self._before = rss_bytes()

    def bytes(self) -> int:
        """Never below 0."""
        return max(0, rss_bytes() - self._before)


def give_back() -> None:
    """Return free memory to the system: the C allocator keeps what was freed until it is told."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, others need not
        if trim is not None:
            trim(0)
