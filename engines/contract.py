"""What a kind implements: one engine for the child's runtime, and two functions for its desk.

`engines/<kind>/engine.py` has `create(report) -> Engine`; `plan.py` has `plan`; `assemble.py` has `assemble`;
`appraise.py` has `appraise` (`engines/appraisal.py`).
Everything of `Engine` runs in the child's one model thread, so it may block; it reports through `Report` and
`Flight`, whose methods are cheap and may be called from that thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct

from engines.settings import EngineSettings
from ipc.errors import EngineRoomError, Problem
from ipc.work import PlannedUnit, ResultRow, SourceProblem, UnitOrder

S_contra = TypeVar("S_contra", bound=EngineSettings, contravariant=True)


class CannotLoad(EngineRoomError):
    """Raised by `load` when the same settings cannot work again (a missing or truncated file)."""


class LoadCancelled(Exception):
    """Raised by `load` after `Report.cancelled` turned true; nothing stays allocated."""


class OutOfMemory(EngineRoomError):
    """Raised by `load`, `apply` or `fly` when host or GPU memory did not suffice."""


class CannotPlan(EngineRoomError):
    """Raised by `plan` when the source as a whole cannot be read."""


class CannotAssemble(EngineRoomError):
    """Raised by `assemble` when the output cannot be written; `retry` when the cause can go away."""

    def __init__(self, problem: Problem, *, retry: bool) -> None:
        super().__init__(problem)
        self.retry = retry


class Progress(Protocol):
    """What hears how far something long is."""

    def step(self) -> None:
        """One step of work was done; without steps a busy engine counts as hung."""

    def loading(self, fraction: float) -> None:
        """How far the load is, 0..1; also one step."""

    def cancelled(self) -> bool:
        """Whether the load under way should stop."""


class Report(Progress, Protocol):
    """What the runtime hears from the engine at any time."""

    def tokens(self, count: int) -> None:
        """So many tokens (or frames) were produced; also one step."""

    def say(self, words: str) -> None:
        """What people should know of the loaded model just now, in a few words; stays until it says something else."""


class Flight(Protocol):
    """Units to work on at once, with `stream` for a person who waits.

    Each ends in `done` or `failed`, unless the flight was cancelled.
    """

    @property
    def id(self) -> int: ...
    @property
    def orders(self) -> tuple[UnitOrder, ...]: ...
    @property
    def stream(self) -> bool: ...
    @property
    def deterministic(self) -> bool: ...

    def cancelled(self) -> bool:
        """Whether to stop within this step."""

    def fed(self) -> tuple[bytes, bool]:
        """What the person sent since the last call, and whether that was all there will ever be; also one step of work:
        who waits for a person does not hang."""

    def piece(self, order: UnitOrder, text: str) -> None:
        """The next whole characters; call it only when `stream`."""

    def done(
        self,
        order: UnitOrder,
        result: str,
        *,
        tokens: int,
        seconds: float,
        ttft_seconds: float | None,
        audio_seconds: float | None = None,
        confidence: float | None = None,
        data: bytes | None = None,
    ) -> None:
        """The unit's result, JSON text, with what was measured; `confidence` as in `UnitDone`.

        `data` is what it made besides, kept in a file (sound, say); beside it the text may have 64 KiB. A longer text
        alone is kept in a file too. Where there is no file for the order (`UnitOrder.file`), either fails the unit; a
        person who waits gets up to 4 MiB of text.
        """

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        """The unit cannot be done; the engine is well."""


class Sky(Protocol):
    """The flights of one engine. What waits may begin at any step, beside what is under way."""

    def board(self) -> Flight | None:
        """The next flight that waits, those for people (`stream`) first; None when none does."""

    def land(self, flight: Flight) -> None:
        """Nothing of a flight that was boarded is running any more."""

    def attend(self) -> None:
        """Make the changes that apply at once, between two steps: `Engine.apply` may be called meanwhile."""

    def rest(self, seconds: float) -> None:
        """Sleep until there is news: a flight that waits, one that was cancelled or fed, a change; at most so long."""


class Model(Struct, frozen=True):
    """What was loaded, as the file says it. `footprint_bytes` is the memory that the load took, measured."""

    name: str
    quantization: str | None
    footprint_bytes: int
    layers: int | None = None
    """Pieces that it has, and how many of them lie on GPUs; None where the library does not tell."""
    layers_on_gpu: int | None = None


class Engine(Protocol[S_contra]):
    """One model in one process."""

    def load(self, settings: S_contra) -> Model:
        """Load and self-test: one real token, frame or vector.

        Raises:
            CannotLoad, OutOfMemory, LoadCancelled
        """

    def apply(self, settings: S_contra) -> Model:
        """Take new settings with the least that suffices, and self-test; the old ones are back if it raises.

        Raises:
            RequestFailed, CannotLoad, OutOfMemory
        """

    def fly(self, sky: Sky) -> None:
        """Work until no flight waits and all that were boarded have landed; there may be none to begin with.

        Each order of a flight ends before it lands, unless that was cancelled. Whoever lets flights join
        (`EngineSettings.joins`) boards and attends between two steps, others when the sky is empty.

        Raises:
            OutOfMemory
        """

    def close(self) -> None:
        """Give the model back; safe to call when nothing is loaded."""


class Planning(Struct, frozen=True):
    """One stretch of a source: units in order, what was set aside, where to go on.

    `share` is how much of the source lies before `cursor`, 0..1; None where that is not known.
    """

    units: tuple[PlannedUnit, ...]
    problems: tuple[SourceProblem, ...]
    cursor: str
    end: bool
    share: float | None = None


def nothing() -> None:
    """For who need not hear of each step."""


class PlanFunction(Protocol):
    """`plan` of a kind: reads at most `limit` units at `cursor` (empty at the start). Raises CannotPlan.

    The same source, cursor and settings give the same units; `cursor` only moves forward. Planning from the `start` of
    a unit gives that unit first; a piece of the source that was set aside counts in `units_before` the units that begin
    before it. Where that takes long, `step` says that it goes on, as for an assembly.
    """

    def __call__(
        self, source: Path, cursor: str, limit: int, settings: EngineSettings, step: Callable[[], None] = nothing
    ) -> Planning: ...


class AssembleFunction(Protocol):
    """`assemble` of a kind: writes all of the output to `part` and verifies it. Raises CannotAssemble.

    Each row has its result's text, wherever that was kept; its `file`, where it has one, is as the engine wrote it, and
    can be read until the end. Each row that is taken is a step of work; where more is done than that, `step` says so:
    a desk without steps counts as hung. It raises where the desk has to leave.
    The runtime syncs the file. Called again after a crash it starts over: `part` is truncated first.
    """

    def __call__(
        self, part: Path, rows: Iterator[ResultRow], settings: EngineSettings, step: Callable[[], None]
    ) -> None: ...
