"""What the store can be asked to make durable. Changes handed over together are committed together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ipc.errors import Problem
from ipc.snapshot import Scalar
from ipc.work import PlannedUnit
from supervisor.jobs.job import Facts, Found, Measured, Output, Spec

SetAsideEnding: TypeAlias = Literal["failed", "quarantined"]


@dataclass(frozen=True)
class JobAdded:
    """A new job."""

    spec: Spec
    facts: Facts


@dataclass(frozen=True)
class FactsChanged:
    """All that is known of a job now."""

    job: int
    facts: Facts


@dataclass(frozen=True)
class JobCleared:
    """The job is forgotten, with everything about it."""

    job: int


@dataclass(frozen=True)
class UnitsPlanned:
    """New units of one input, the first with index `first`."""

    job: int
    first: int
    source: int
    units: tuple[PlannedUnit, ...]


@dataclass(frozen=True)
class UnitsUnplanned:
    """Units from index `first` on are forgotten, and what else was found from there on, where that lies in `source`."""

    job: int
    first: int
    source: int


@dataclass(frozen=True)
class UnitDone:
    """A unit's result. A unit that has ended keeps what it has.

    `file` holds what is too long for `result`, with its digest; it is synced already, its folder is not.
    """

    job: int
    index: int
    result: str
    measured: Measured
    run: int | None
    file: Path | None = None
    digest: str = ""


@dataclass(frozen=True)
class UnitSetAside:
    """A unit that failed or was quarantined; its problem is a change of its own."""

    job: int
    index: int
    ending: SetAsideEnding


@dataclass(frozen=True)
class UnitBlamed:
    """What is held against a unit."""

    job: int
    index: int
    deaths: int
    alone: bool


@dataclass(frozen=True)
class UnitForgiven:
    """A unit that was set aside waits again, and nothing is held against it."""

    job: int
    index: int


@dataclass(frozen=True)
class UnitRecalled:
    """A unit that was done waits again; its old result stays until there is a new one, which is take `take`."""

    job: int
    index: int
    take: int


@dataclass(frozen=True)
class UnitKept:
    """A unit that was to be done again could not be: its old result counts."""

    job: int
    index: int


@dataclass(frozen=True)
class UnitsSpent:
    """Joules that GPUs spent on units, by index."""

    job: int
    joules: Mapping[int, float]


@dataclass(frozen=True)
class RunBegan:
    """From now on units of the job are done on this engine with these settings."""

    number: int
    job: int
    engine: str
    settings: Mapping[str, Scalar]
    unix: float


@dataclass(frozen=True)
class OutputNoted:
    """What is known of one of the job's outputs."""

    job: int
    number: int
    output: Output


@dataclass(frozen=True)
class ProblemFound:
    """What `job show` lists; `index` is the unit's, None for a piece of a source."""

    job: int
    index: int | None
    where: str
    unit: str | None
    problem: Problem
    log_tail: tuple[str, ...]
    found: Found | None = None
    """Of a piece of a source: where it lies."""


@dataclass(frozen=True)
class FlightComposed:
    """These units are about to fly together; `again` flights keep their company through a crash of the supervisor."""

    flight: int
    job: int
    units: tuple[int, ...]
    again: bool


@dataclass(frozen=True)
class FlightOver:
    """Nothing of this flight has to fly again; `flown` where it was sent, which its units count as an attempt."""

    flight: int
    flown: bool


OfUnits: TypeAlias = (
    UnitsPlanned
    | UnitsUnplanned
    | UnitDone
    | UnitSetAside
    | UnitBlamed
    | UnitForgiven
    | UnitRecalled
    | UnitKept
    | UnitsSpent
)
Change: TypeAlias = (
    JobAdded | FactsChanged | JobCleared | RunBegan | OutputNoted | ProblemFound | FlightComposed | FlightOver | OfUnits
)
