"""What the store can be asked to make durable. Changes handed over together are committed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ipc.errors import Problem
from ipc.work import PlannedUnit
from supervisor.jobs.job import Facts, Spec

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
class UnitsPlanned:
    """New units, the first with index `first`."""

    job: int
    first: int
    units: tuple[PlannedUnit, ...]


@dataclass(frozen=True)
class UnitDone:
    """A unit's result. A unit that has ended keeps what it has."""

    job: int
    index: int
    result: str
    tokens: int
    seconds: float
    ttft_seconds: float | None


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
    """A quarantined unit waits again, and nothing is held against it: its engine was at fault."""

    job: int
    index: int


@dataclass(frozen=True)
class ProblemFound:
    """What `job show` lists; `index` is the unit's, None for a piece of a source."""

    job: int
    index: int | None
    where: str
    unit: str | None
    problem: Problem
    log_tail: tuple[str, ...]


@dataclass(frozen=True)
class FlightComposed:
    """These units are about to fly together; `again` flights keep their company through a crash of the supervisor."""

    flight: int
    job: int
    units: tuple[int, ...]
    again: bool


@dataclass(frozen=True)
class FlightOver:
    """Nothing of this flight has to fly again."""

    flight: int


Change: TypeAlias = (
    JobAdded
    | FactsChanged
    | UnitsPlanned
    | UnitDone
    | UnitSetAside
    | UnitBlamed
    | UnitForgiven
    | ProblemFound
    | FlightComposed
    | FlightOver
)
