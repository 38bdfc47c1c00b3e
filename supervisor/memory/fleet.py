"""GPUs and residents as the policies see them at one moment: frozen, in bytes and seconds, with nothing unknown left.

A GPU whose total is unknown offers nothing; an engine is a resident while it holds a claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ipc.snapshot import Pressure

HOST: Final = "host"
"""The host's memory, where a GPU's UUID would stand."""


@dataclass(frozen=True, slots=True)
class GpuRoom:
    """One GPU with the room it has for new claims."""

    index: int
    uuid: str
    name: str
    total_bytes: int
    free_bytes: int
    """What new claims may take; below 0 where more was claimed than is left."""
    capability: str = ""
    """Such as `9.0`; empty where it is not told, and then it suits every build."""
    display: bool = False
    cut: bool = False
    """Divided into MIG devices: only one of those, named by its UUID, can be used."""
    mig: tuple[str, ...] = ()
    silent: str = ""
    """Why it gives no readings, or empty. A silent GPU is not given out."""
    pressure: Pressure = "low"
    residents: int = 0
    """Engines with a model on it."""
    residents_limit: int = 5
    hot: bool = False
    """No flight begins on it until it has cooled."""

    @property
    def spared(self) -> str:
        """Why it is taken only where no other has room, as the rest of a sentence; empty for most."""
        if self.hot:
            return "it is held for heat"
        return "a display is on it" if self.display else ""


@dataclass(frozen=True, slots=True)
class HostRoom:
    """The host's memory with the room it has for new claims."""

    total_bytes: int
    free_bytes: int
    pressure: Pressure = "low"


@dataclass(frozen=True, slots=True)
class Resident:
    """An engine that holds memory, and what speaks for or against its leaving."""

    engine: str
    held: Mapping[str, int]
    """Bytes by UUID (`HOST` for the host): the larger of measured and claimed, which its exit gives back."""
    busy: bool
    """Flights in the air, or loading, draining, stopping: it cannot go now."""
    wanted: bool
    """Units wait for it: it is about to be busy again."""
    pinned: bool
    priority: int
    """1 to 9; 5 is usual."""
    idle_seconds: float
    resident_seconds: float
    """Since its model was loaded."""
    min_residency: float
    reload_seconds: float
    """What its next load will take: measured, or a guess."""
