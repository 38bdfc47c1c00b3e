"""What each engine was promised: held from the decision to load until its exit."""

from __future__ import annotations

from dataclasses import dataclass

from engines.appraisal import Option
from ipc.snapshot import Scalar
from supervisor.memory.placement import Placement


@dataclass(frozen=True, slots=True)
class Claim:
    """Room for one load. `on_gpu` pieces of the option go to the GPUs of the placement."""

    engine: str
    placement: Placement
    option: Option
    shape: str
    """The settings that its memory depends on, as words: what its footprint is learned for."""
    chosen: dict[str, Scalar]
    """What was chosen where the settings leave it open."""
    words: str
    """What was chosen, for a person; empty when nothing was open."""
    threads: int

    @property
    def uuids(self) -> tuple[str, ...]:
        """The GPUs it is placed on; none for the CPU."""
        return tuple(one.uuid for one in self.placement.slices)

    def bytes_on(self, uuid: str) -> int:
        """What it may take of that GPU."""
        return sum(one.bytes for one in self.placement.slices if one.uuid == uuid)
