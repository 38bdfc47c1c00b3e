"""The foreman: keeps the book of jobs, the store and the floor in step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from ipc import control, work
from ipc.snapshot import JobDetail, JobRow
from supervisor.jobs.floor import Floor
from supervisor.machine.effects import Verdict


class Foreman:
    """One per supervisor. The plain methods are called on the loop and return at once."""

    def __init__(self, floor: Floor, state_folder: Path) -> None:
        self._floor = floor
        self._state_folder = state_folder

    async def start(self) -> None:
        """Open the store and take up the unfinished jobs; call it once, when the floor can be asked.

        Raises:
            EngineRoomError: the store cannot be opened.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Commit what was said so far and close the store; nothing is told or sent any more."""
        raise NotImplementedError

    # ── what the runner tells ─────────────────────────────────────────────────────────────────────────────

    def engine_changed(self, engine: str) -> None:
        """Its state or settings changed; cheap enough to be called after every step."""
        raise NotImplementedError

    def said(self, engine: str, message: work.Piece | work.UnitDone | work.UnitFailed | work.Landed) -> None:
        """An engine spoke of a flight."""
        raise NotImplementedError

    def flight_lost(
        self, engine: str, flight: int, verdict: Verdict, alone: bool, cause: str, log_tail: tuple[str, ...]
    ) -> None:
        """A flight went down with its engine; what it finished and said before counts."""
        raise NotImplementedError

    def desk_said(self, kind: str, message: work.Planned | work.Pull | work.Assembled | work.TaskFailed) -> None:
        """A desk spoke of its task."""
        raise NotImplementedError

    def desk_lost(self, kind: str, cause: str) -> None:
        """A kind's desk died, or cannot be started; its task must be given anew."""
        raise NotImplementedError

    def second(self, unix: float, monotonic: float) -> None:
        """Once a second: rates, retries, waking of engines."""
        raise NotImplementedError

    # ── what clients ask ──────────────────────────────────────────────────────────────────────────────────

    def rows(self) -> tuple[JobRow, ...]:
        """Every job, oldest first."""
        raise NotImplementedError

    async def detail(self, id: str) -> JobDetail:  # noqa: A002 (the word of the protocol)
        """One job with its problems and measurements. Raises RequestFailed: there is no such job."""
        raise NotImplementedError

    async def submit(self, wish: control.Submit) -> JobRow:
        """A new job, durable before this returns.

        Raises:
            RequestFailed: no such kind or engine, an input that is not there, an output that cannot be written.
        """
        raise NotImplementedError

    async def pause(self, id: str) -> JobRow:  # noqa: A002
        """Start no further flight of it. Raises RequestFailed: no such job, or it is over."""
        raise NotImplementedError

    async def resume(self, id: str) -> JobRow:  # noqa: A002
        """Go on. Raises RequestFailed: no such job, or it is over."""
        raise NotImplementedError

    async def cancel(self, id: str) -> JobRow:  # noqa: A002
        """Stop it within one step and keep what is done. Raises RequestFailed: no such job, or it is over."""
        raise NotImplementedError

    def ask(self, engine: str, payload: str) -> AsyncIterator[control.Piece | control.Answered]:
        """One interactive unit, before any unit of a job: pieces as they come, then the whole answer.

        Leaving the iteration cancels the flight.

        Raises:
            RequestFailed: no such engine, it cannot be had, or the unit cannot be done.
            EngineDied: the engine died with it; the text so far is in the error.
        """
        raise NotImplementedError
