"""Is it the units or the engine? What is held against an engine when its units keep being set aside.

Three different units set aside in a row, with no success between, put the engine on trial: it is given a unit that it
once did. If it does it again, the units were to blame; if it dies of it, or never did any, the engine is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ipc.work import UnitOrder
from supervisor.jobs.job import Unit

ENOUGH = 3


@dataclass(frozen=True)
class SetAside:
    """A unit that was quarantined, and its job."""

    job: int
    unit: Unit


@dataclass
class Suspicion:
    """Of one engine."""

    row: list[SetAside] = field(default_factory=list)
    """Units set aside since it last did one."""
    proof: UnitOrder | None = None
    """The last unit that it did."""
    careful_until: float = float("-inf")
    """Until then it flies one unit at a time, so that another poison unit takes no company down (monotonic seconds)."""

    shaken: bool = False
    """It has just died of a unit alone: a bystander first would show that it is well, and spare it a long backoff."""

    @property
    def on_trial(self) -> bool:
        """Whether it must do a known unit before any other."""
        return len(self.row) >= ENOUGH and self.proof is not None

    @property
    def condemned(self) -> bool:
        """Whether it kills whatever it is given."""
        return len(self.row) >= ENOUGH and self.proof is None

    def is_well(self, proof: UnitOrder | None) -> None:
        """It ended a unit without dying; `proof` is the unit if it was done."""
        self.row.clear()
        self.shaken = False
        self.proof = proof or self.proof

    def concerns(self, job: int) -> bool:
        """Whether units of this job may yet be forgiven."""
        return self.on_trial and any(aside.job == job for aside in self.row)
