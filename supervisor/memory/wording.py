"""Bytes, engines and GPUs as the policies' sentences name them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from supervisor.memory.fleet import GpuRoom, Resident

_MIB: Final = 1 << 20
_GIB: Final = 1 << 30
_SPECK: Final = _MIB // 2
"""Rounding up or down overlooks so much."""
_LEAST_GIB: Final = _GIB // 10
"""Less than this is told in MiB."""


def size(count: int) -> str:
    """`14.2 GiB`, `63 MiB`."""
    return f"{count / _GIB:.1f} GiB" if count >= _LEAST_GIB else f"{count / _MIB:.0f} MiB"


def free(count: int) -> str:
    """What is left, rounded down, so that it never reads like enough where it is not."""
    left = max(count, 0)
    if left < _LEAST_GIB:
        return f"{(left + _SPECK) // _MIB} MiB"
    return f"{(left + _SPECK) * 10 // _GIB / 10:.1f} GiB"


def needed(count: int, *, estimated: bool) -> str:
    """What a load takes, rounded up; an estimate wears a `~`."""
    mark = "~" if estimated else ""
    if count < _LEAST_GIB:
        return f"{mark}{-((_SPECK - count) // _MIB)} MiB"
    return f"{mark}{-((_SPECK - count) * 10 // _GIB) / 10:.1f} GiB"


def listed(parts: Iterable[str], joint: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = parts
    return f"{', '.join(rest)} {joint} {last}" if rest else last


def places(gpus: Sequence[GpuRoom]) -> str:
    """`GPU 3`, `GPUs 0 and 1`."""
    word = "GPU" if len(gpus) == 1 else "GPUs"
    return f"{word} {listed(str(gpu.index) for gpu in gpus)}"


def engines(residents: Iterable[Resident]) -> str:
    """Their names: `tts and writer`."""
    return listed(one.engine for one in residents)


def joined(ways: Iterable[str], help: str) -> str:  # noqa: A002 (the word of a refusal)
    """Ways out before those of another sentence: `Stop tts, or set ...`."""
    sentence = f"{', '.join(ways)}, or {help[0].lower()}{help[1:]}"
    return f"{sentence[0].upper()}{sentence[1:]}"
