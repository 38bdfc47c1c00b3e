"""A job in the words of the book: what was submitted, what is known and durable, and the window of it in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from msgspec import Struct

from ipc.snapshot import Scalar
from ipc.work import PlannedUnit

Ending: TypeAlias = Literal["done", "done with problems", "failed", "cancelled"]
Stage: TypeAlias = Literal["composed", "stored", "sent"]
"""Of a flight: its composition is being stored; it waits for its engine; it is in the air."""
Errand: TypeAlias = Literal["planning", "assembling", "placing"]
"""What is under way for a job besides its flights; one at a time."""


class Numbers:
    """Counts up from above whatever was used before."""

    def __init__(self) -> None:
        self._used = 0

    def skip(self, used: int) -> None:
        """Numbers up to `used` are taken."""
        self._used = max(self._used, used)

    def next(self) -> int:
        """One that was never given."""
        self._used += 1
        return self._used


class Spec(Struct, frozen=True):
    """What was submitted; it never changes."""

    number: int
    id: str
    kind: str
    engine: str
    """A name, or empty for any engine of the kind."""
    inputs: tuple[str, ...]
    output: str
    on_done: str
    settings: dict[str, Scalar]
    """The engine's knobs at the time."""
    submitted_unix: float


class Facts(Struct, frozen=True):
    """What is known of a job; stored as a whole with every change, and told only once it is stored."""

    paused: bool = False
    source: int = 0
    """Which input is being planned."""
    cursor: str = ""
    """Where in it to read on."""
    planned: int = 0
    """Units planned so far; the next one gets this index."""
    all_planned: bool = False
    done: int = 0
    failed: int = 0
    """Units that failed or were quarantined."""
    set_aside: int = 0
    """Pieces of the inputs that could not become a unit."""
    unread: int = 0
    """Inputs that could not be read to their end."""
    tokens: int = 0
    attempts: int = 0
    """Units sent, again or for the first time."""
    placed: str = ""
    """The identity of the finished part file, noted before it is renamed: then the output is known to be ours."""
    ending: Ending | None = None
    reason: str = ""
    """Why it ended as it did, where that needs saying."""
    finished_unix: float | None = None
    hook_due: bool = False
    """The operator's command for its end has not been run yet."""

    @property
    def all_ended(self) -> bool:
        """Whether no unit is left to do."""
        return self.all_planned and self.done + self.failed == self.planned


@dataclass
class Unit:
    """A planned unit that has not ended, or whose flight is still in the air."""

    index: int
    payload: str
    where: str
    name: str | None
    deaths: int = 0
    """How many times its engine died of its own fault with nothing but this unit at work."""
    alone: bool = False
    """A suspect: its engine died of its own fault with this unit among others at work."""
    ended: bool = False


@dataclass
class Formation:
    """The units of a flight that must fly again in the same company, so that the output is byte-identical."""

    flight: int
    """The one that was lost or interrupted; it stays stored until they fly again."""
    units: tuple[Unit, ...]
    crashes: int


@dataclass
class Flight:
    """Units at work on one engine, from the decision to its landing or loss."""

    id: int
    job: int
    engine: str
    units: tuple[Unit, ...]
    deterministic: bool
    crashes: int = 0
    """How many times just this company went down through its own fault."""
    stage: Stage = "composed"

    @property
    def sent(self) -> bool:
        """Whether its engine was told."""
        return self.stage == "sent"

    @property
    def open(self) -> tuple[Unit, ...]:
        """The units that have not ended."""
        return tuple(unit for unit in self.units if not unit.ended)


@dataclass(frozen=True)
class Hold:
    """Why a job cannot go on just now, and when to try again (monotonic seconds)."""

    reason: str
    until: float


@dataclass
class Job:
    """An unfinished job: `free` holds the planned units that wait, by index."""

    spec: Spec
    facts: Facts = Facts()
    free: dict[int, Unit] = field(default_factory=dict)
    formations: list[Formation] = field(default_factory=list)
    flights: dict[int, Flight] = field(default_factory=dict)
    errand: Errand | None = None
    hold: Hold | None = None
    mishaps: int = 0
    """How many errands in a row came to nothing."""
    hold_reason: str = ""
    """The last one told, so that it is not told again at every try."""

    @property
    def waiting(self) -> bool:
        """Whether there is a unit to fly."""
        return bool(self.free or self.formations)

    def plan(self, index: int, planned: PlannedUnit) -> None:
        """A unit was read from an input; it waits."""
        self.free[index] = Unit(index, planned.payload, planned.where, planned.name)

    def put_back(self, units: Iterable[Unit]) -> None:
        """Those that have not ended wait again."""
        self.free.update((unit.index, unit) for unit in units if not unit.ended)
