"""What the book asks the foreman to do, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ipc import work
from ipc.snapshot import Severity
from supervisor.jobs.changes import Change, FactsChanged
from supervisor.jobs.job import Job


@dataclass(frozen=True)
class Stored:
    """Tell the air: the flight's composition is durable."""

    flight: int


@dataclass(frozen=True)
class Fly:
    """Send a flight to its engine."""

    engine: str
    message: work.Fly


@dataclass(frozen=True)
class Recall:
    """Stop a flight within one step."""

    engine: str
    flight: int


@dataclass(frozen=True)
class Plan:
    """Have the desk read on in the job's inputs: up to `limit` units."""

    job: int
    limit: int


@dataclass(frozen=True)
class Assemble:
    """Have the desk write the part file of an output."""

    job: int
    output: int


@dataclass(frozen=True)
class Place:
    """Make the part file the output."""

    job: int
    output: int


@dataclass(frozen=True)
class Tidy:
    """The job is over: part files and what no unit counts on can go."""

    job: int


@dataclass(frozen=True)
class RunHook:
    """Run the operator's command for the job's end."""

    job: int


@dataclass(frozen=True)
class Wake:
    """Units wait for this engine."""

    engine: str


@dataclass(frozen=True)
class FailEngine:
    """The engine kills whatever it is given."""

    engine: str
    cause: str


@dataclass(frozen=True)
class Happen:
    """A decision or fact with its reason, one sentence."""

    severity: Severity
    about: str
    word: str
    text: str


Later: TypeAlias = Stored | Place | Tidy | RunHook | Happen
"""What may follow a commit."""


@dataclass(frozen=True)
class Save:
    """Make `changes` durable together; then what they say of jobs may be told, and `then` follows."""

    changes: tuple[Change, ...]
    then: tuple[Later, ...] = ()


Effect: TypeAlias = Save | Later | Fly | Recall | Plan | Assemble | Wake | FailEngine


def noted(job: Job, *what: Change, then: tuple[Later, ...] = ()) -> Save:
    """Make these changes durable, together with all that is now known of the job."""
    return Save((*what, FactsChanged(job.spec.number, job.facts)), then)
