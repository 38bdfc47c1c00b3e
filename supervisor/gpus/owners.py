"""Whose a process on a GPU is: its name, and the engine it is or works for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ipc.snapshot import GpuReading

GENERATIONS = 16
"""How far up a process tree an engine is looked for."""


@dataclass(frozen=True, slots=True)
class Owner:
    """`name` is empty where the process is not to be seen from here, `engine` for a stranger."""

    name: str
    engine: str


class Owners:
    """Remembers whom it has looked up for as long as the process stays on a GPU and the engines stay the same."""

    def __init__(self) -> None:
        self._engines: dict[int, str] = {}
        self._known: dict[int, Owner] = {}

    def of(self, pids: Iterable[int], engines: Mapping[int, str]) -> Mapping[int, Owner]:
        """The owner of each pid; `engines` gives the names of ours by the pid of their first process."""
        if engines != self._engines:
            self._engines, self._known = dict(engines), {}
        self._known = {pid: self._known.get(pid) or find(pid, self._engines) for pid in pids}
        return self._known


def gpus_of(engine: str, readings: Iterable[GpuReading]) -> tuple[int, ...]:
    """The indexes of the GPUs on which a process of this engine is."""
    return tuple(one.index for one in readings if any(process.engine == engine for process in one.processes))


def find(pid: int, engines: Mapping[int, str]) -> Owner:
    """Look at the process: an engine is the leader of its session; a helper that left it still has its parents."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
        engine = engines.get(pid) or engines.get(os.getsid(pid)) or _of_ancestors(pid, engines)
    except OSError:
        return Owner("", engines.get(pid, ""))
    return Owner(name, engine)


def _of_ancestors(pid: int, engines: Mapping[int, str]) -> str:
    for _ in range(GENERATIONS):
        # The name in brackets may hold anything, so the fields are counted from its end: state, parent, …
        pid = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        if pid in engines:
            return engines[pid]
        if pid <= 1:
            return ""
    return ""
