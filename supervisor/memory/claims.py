"""What each engine was promised: held from the decision to load until its exit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engines.appraisal import Option
from ipc.snapshot import GpuReading, Scalar
from supervisor.memory.ask import Placement, Slice


@dataclass(frozen=True, slots=True)
class Claim:
    """Room for one load. `on_gpu` pieces of the option go to the GPUs of the placement."""

    engine: str
    placement: Placement
    option: Option
    shape: str
    """The settings that its memory depends on, as words: what its footprint is learned for."""
    asked: str
    """The same with all pieces on GPUs where their number was left open: what must not run out of memory twice."""
    chosen: dict[str, Scalar]
    """What was chosen where the settings leave it open."""
    words: str
    """What was chosen, for a person; empty when nothing was open."""
    threads: int

    @property
    def uuids(self) -> tuple[str, ...]:
        """The GPUs it is placed on; none for the CPU."""
        return tuple(one.uuid for one in self.placement.slices)

    @property
    def whole_bytes(self) -> int:
        """What it may take of all GPUs, or of the host's memory where it is on none."""
        return sum(one.bytes for one in self.placement.slices) or self.placement.ram_bytes

    def touches(self, reading: GpuReading) -> bool:
        """Whether it is placed on that GPU, or on one of its MIG devices."""
        return any(uuid == reading.uuid or uuid in reading.mig for uuid in self.uuids)

    def bytes_on(self, reading: GpuReading) -> int:
        """What it may take of that GPU."""
        return sum(one.bytes for one in self.placement.slices if one.uuid == reading.uuid or one.uuid in reading.mig)


def widened(new: Claim, old: Claim) -> Claim:
    """The new claim, with the larger of both on each GPU: while settings change, either may come to be in force."""
    uuids = dict.fromkeys([*new.uuids, *old.uuids])
    of_new = {one.uuid: one.bytes for one in new.placement.slices}
    of_old = {one.uuid: one.bytes for one in old.placement.slices}
    slices = tuple(Slice(uuid, max(of_new.get(uuid, 0), of_old.get(uuid, 0))) for uuid in uuids)
    ram_bytes = max(new.placement.ram_bytes, old.placement.ram_bytes)
    return replace(new, placement=replace(new.placement, slices=slices, ram_bytes=ram_bytes))
