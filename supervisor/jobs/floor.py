"""What the foreman needs from the rest of the supervisor: engines to fly on, desks to plan and assemble, ears to tell.

The runner implements it. Every method returns at once and is called on the loop; none of them calls the foreman back
before it has returned.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from ipc import work
from ipc.snapshot import JobRow, Scalar, Severity


class EngineView(Struct, frozen=True):
    """One engine as the scheduling sees it at this moment."""

    name: str
    parallel: int
    """The most units that it computes at once, and in one flight; 0 while its load has not chosen that yet."""
    deterministic: bool
    free: bool
    """Ready, with no drain under way and nothing that holds it: a flight sent now would begin now, or join."""
    available: bool
    """Work may use it or wake it. False where only the operator can help: stopped by the operator, or failed."""
    why_not: str
    """Where not `available`: why, and the way out, as one sentence without its full stop
    (`writer is stopped by the operator: engineroom start writer`); empty otherwise."""
    hold: str = ""
    """Why it cannot work just now though it is available, such as `memory: …`; empty when nothing holds it."""
    blocked_by: tuple[str, ...] = ()
    """Engines whose leaving would make room for it, and that work keeps."""
    load_seconds: float | None = None
    """How long its last load took."""
    planning: dict[str, Scalar] = {}
    """Its settings that decide how a source is divided."""
    joins: bool = False
    """Whether a flight may begin while another is in the air; else `free` is only an engine without any."""
    loaded: bool = False
    """Its model is in memory, whatever holds its work just now."""
    language: str = ""
    """The one that its settings name; empty where they leave it open, or know of none."""

    @property
    def places(self) -> int:
        """Units at once, as far as can be counted on."""
        return max(1, self.parallel)

    def carries(self, units: int) -> bool:
        """Whether so many may fly together, for all that is known."""
        return not self.parallel or units <= self.parallel


class Floor(Protocol):
    """The engines and desks, as the foreman commands them."""

    def engines_of(self, kind: str) -> tuple[EngineView, ...]:
        """All engines of a kind, in the order of the configuration; empty where there is none."""

    def settings_of(self, engine: str) -> dict[str, Scalar]:
        """All knobs in force of an engine that `engines_of` named."""

    def joules_of(self, engine: str) -> float | None:
        """What GPUs have spent on an engine so far, for differences; None where none of its GPUs counts energy."""

    def want_ready(self, engine: str) -> None:
        """Work waits for this engine: start and load it unless the operator stopped it. Repeating it is harmless."""

    def fly(self, engine: str, message: work.Fly) -> None:
        """Send a flight. It ends in `Foreman.said(Landed)` or `Foreman.flight_lost`, also where it cannot be sent."""

    def cancel(self, engine: str, flight: int) -> None:
        """Stop a flight within one step; it still ends as above. Harmless where it has ended."""

    def feed(self, engine: str, message: work.Feed) -> None:
        """More for a flight that was sent. Harmless where it has ended."""

    def to_desk(self, kind: str, message: work.Plan | work.Assemble | work.Results) -> None:
        """Send to a kind's desk, starting it if need be: `Plan` and `Assemble` once it is up, `Results` at once.

        A task ends in `Foreman.desk_said` or `Foreman.desk_lost`, also where the desk cannot be started at all;
        of a lost desk no unsent task is kept. The foreman gives a desk one task at a time.
        """

    def fail_engine(self, engine: str, cause: str) -> None:
        """This engine kills whatever it is given: it must end as Failed with this cause."""

    def happen(self, severity: Severity, about: str, word: str, text: str) -> None:
        """One decision or fact with its reason, for screen, log and recording."""

    def job_changed(self, row: JobRow) -> None:
        """A row that replaces the one of the same id; all it says is durable."""

    def job_gone(self, id: str) -> None:  # noqa: A002 (the word of the protocol)
        """The job was cleared."""

    def run_on_done(self, row: JobRow, command: str) -> None:
        """Run the operator's own command for a job that ended, and forget it."""
