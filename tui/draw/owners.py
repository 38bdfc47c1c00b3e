"""Whose a GPU's memory is. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ipc.snapshot import GpuProcess, GpuReading
from tui.ink import Tone, clean


class Owner(NamedTuple):
    """An engine with all its processes, or one strange process. `used_bytes` is None where the card does not tell."""

    words: str
    used_bytes: int | None
    ours: bool


def owners(reading: GpuReading) -> list[Owner]:
    """Engines first, then strangers, those with most memory before others; and what nobody known holds."""
    engines: dict[str, int | None] = {}
    strangers: list[Owner] = []
    for process in reading.processes:
        if process.engine:
            engines[process.engine] = _sum(engines.get(process.engine), process.used_bytes)
        elif process.used_bytes != 0:
            strangers.append(Owner(stranger(process), process.used_bytes, ours=False))
    held = [Owner(clean(name), used, ours=True) for name, used in engines.items()]
    found = [*sorted(held, key=_size), *sorted(strangers, key=_size)]
    rest = _unowned(reading)
    worth = _WORTH_A_WORD if found else _NEARLY_NOTHING
    return [*found, Owner("unaccounted", rest, ours=False)] if rest >= worth else found


def stranger(process: GpuProcess) -> str:
    """`python(4411)`; a pid without a process here is only a number."""
    return f"{clean(process.name)}({process.pid})" if process.name else f"pid {process.pid}"


def shares(reading: GpuReading) -> list[tuple[float, Tone]]:
    """What of the whole is ours, and what is in use by others; nothing where the whole is unknown."""
    total, used = reading.memory_total_bytes, reading.memory_used_bytes
    if not total:
        return []
    ours = sum(process.used_bytes or 0 for process in reading.processes if process.engine)
    others = sum(process.used_bytes or 0 for process in reading.processes if not process.engine)
    if used is not None:
        ours = min(ours, used)
        others = used - ours
    return [(ours / total, "meter"), (others / total, "other")]


_WORTH_A_WORD = 1 << 29
"""Contexts and rounding leave some memory to nobody; from half a GiB on it is named."""
_NEARLY_NOTHING = 1 << 26


def _unowned(reading: GpuReading) -> int:
    """Bytes in use that belong to no process the card names; 0 where it does not tell what each process has."""
    sizes = [process.used_bytes for process in reading.processes]
    if reading.memory_used_bytes is None or None in sizes:
        return 0
    return max(0, reading.memory_used_bytes - sum(size or 0 for size in sizes))


def _sum(before: int | None, more: int | None) -> int | None:
    return more if before is None else before + (more or 0)


def _size(owner: Owner) -> int:
    return -(owner.used_bytes or 0)
