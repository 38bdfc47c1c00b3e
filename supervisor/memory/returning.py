"""Whether what an engine held came back, judged from one GPU's readings before and after. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ipc.snapshot import GpuReading
from supervisor.memory.books import unaccounted

SLACK_BYTES: Final = 64 << 20
SLACK_SHARE: Final = 0.05
"""What other processes' use may waver by while one engine's memory comes back."""
CONTEXT_BYTES: Final = 768 << 20
"""A process that gave its model back keeps its CUDA context: 300 to 700 MiB on recent cards."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one engine held on one GPU when last seen."""

    bytes: int
    pids: frozenset[int]
    unaccounted_bytes: int
    """In use there by no process that the card named."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What did not come back. `by_pids` are the engine's own processes that still hold some, with their bytes."""

    by_pids: dict[int, int]
    unaccounted_bytes: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(self.by_pids.values()) + self.unaccounted_bytes


def held_by(engine: str, reading: GpuReading) -> Held:
    """What the card says of an engine's processes now."""
    mine = [one for one in reading.processes if one.engine == engine]
    return Held(sum(one.used_bytes or 0 for one in mine), frozenset(one.pid for one in mine), unaccounted(reading))


def rest_of(before: Held, reading: GpuReading, *, process_stays: bool) -> Rest:
    """What is still there after the unload; nothing where only a context stays with a process that lives on."""
    still = {one.pid: one.used_bytes or 0 for one in reading.processes if one.pid in before.pids}
    if process_stays and sum(still.values()) <= CONTEXT_BYTES:
        still = {}
    still = {pid: count for pid, count in still.items() if count}
    grown = unaccounted(reading) - before.unaccounted_bytes
    slack = max(SLACK_BYTES, round(before.bytes * SLACK_SHARE))
    return Rest(still, min(grown, before.bytes) if grown > slack else 0)
