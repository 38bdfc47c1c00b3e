"""Why a GPU's clocks are lower than they could be, by name."""

from __future__ import annotations

_NAMES = (
    (0x004, "power cap"),
    (0x008, "hardware slowdown"),
    (0x010, "sync boost"),
    (0x020, "software thermal slowdown"),
    (0x040, "hardware thermal slowdown"),
    (0x080, "power brake"),
    (0x200, "board limit"),
    (0x400, "reliability"),
)


def throttle_names(mask: int) -> tuple[str, ...]:
    """The names of the bits of NVML's mask, without those that say that the GPU is idle or its clocks were chosen."""
    return tuple(name for bit, name in _NAMES if mask & bit)
