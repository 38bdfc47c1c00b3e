"""The floor as the foreman commands it: the runner's slots, seen as engines and desks."""

from __future__ import annotations

import time
from collections.abc import Callable

from anyio.abc import TaskGroup

from engines.settings import EngineSettings, as_dict
from ipc import work
from ipc.errors import RequestFailed
from ipc.snapshot import JobChanged, JobGone, JobRow, Scalar, Severity
from ipc.states import Draining, Failed, Ready, Stopped
from supervisor.board import Board
from supervisor.gpus.energy import EnergyMeter
from supervisor.hooks import run_on_done
from supervisor.jobs.floor import EngineView
from supervisor.machine import events
from supervisor.runner import Runner
from supervisor.slot import Slot
from supervisor.slots import desk_name


class RunnerFloor:
    """Implements `supervisor.jobs.floor.Floor` over the runner; `runner` is a call because each needs the other."""

    def __init__(self, runner: Callable[[], Runner], board: Board, energy: EnergyMeter, hooks: TaskGroup) -> None:
        self._runner = runner
        self._board = board
        self._energy = energy
        self._hooks = hooks

    def engines_of(self, kind: str) -> tuple[EngineView, ...]:
        """All engines of a kind, in the order of the configuration."""
        slots = self._runner().slots.values()
        return tuple(_view(slot) for slot in slots if slot.kind == kind and not (slot.is_desk or slot.is_hidden))

    def settings_of(self, engine: str) -> dict[str, Scalar]:
        """All knobs in force."""
        return as_dict(self._runner().slots[engine].effective)

    def joules_of(self, engine: str) -> float | None:
        """What GPUs have spent on an engine so far."""
        return self._energy.joules(engine, time.monotonic())

    def want_ready(self, engine: str) -> None:
        """Work waits for this engine."""
        runner = self._runner()
        runner.post(runner.slots[engine], events.WantReady(time.monotonic(), "work"))

    def fly(self, engine: str, message: work.Fly) -> None:
        """Send a flight."""
        runner = self._runner()
        runner.fly(runner.slots[engine], message)

    def cancel(self, engine: str, flight: int) -> None:
        """Stop a flight within one step."""
        runner = self._runner()
        if (slot := runner.slots.get(engine)) is not None:  # else a former process, of which nothing is left
            runner.cancel(slot, flight)

    def feed(self, engine: str, message: work.Feed) -> None:
        """More for a flight."""
        runner = self._runner()
        if (slot := runner.slots.get(engine)) is not None:  # as for `cancel`
            runner.feed(slot, message)

    def to_desk(self, kind: str, message: work.Plan | work.Assemble | work.Results) -> None:
        """Send to a kind's desk, starting it if need be."""
        runner = self._runner()
        desk = runner.slots[desk_name(kind)]
        if isinstance(message, work.Results):
            runner.send_results(desk, message)
        else:
            runner.give_task(desk, message)

    def fail_engine(self, engine: str, cause: str) -> None:
        """This engine kills whatever it is given."""
        runner = self._runner()
        runner.post(runner.slots[engine], events.KillsEverything(time.monotonic(), cause))

    def happen(self, severity: Severity, about: str, word: str, text: str) -> None:
        """One decision or fact with its reason."""
        self._board.happen(severity, about, word, text)

    def job_changed(self, row: JobRow) -> None:
        """A row that replaces the one of the same id."""
        self._board.publish(JobChanged(row))

    def job_gone(self, id: str) -> None:  # noqa: A002 (the word of the protocol)
        """The job was cleared."""
        self._board.publish(JobGone(id))

    def run_on_done(self, row: JobRow, command: str) -> None:
        """Run the operator's own command for a job that ended."""
        self._hooks.start_soon(self._run_hook, row, command)

    async def _run_hook(self, row: JobRow, command: str) -> None:
        try:
            await run_on_done(row, command)
        except RequestFailed as error:
            self._board.happen("warning", row.id, "on-done-failed", error.problem.detail)
        else:
            self._board.happen("info", row.id, "on-done-ran", f"the --on-done command of {row.id} ended well")


def _view(slot: Slot) -> EngineView:
    state, settings = slot.record.state, slot.effective
    why_not = ""
    match state:
        case Stopped("operator"):
            why_not = f"{slot.name} is stopped by the operator: engineroom start {slot.name}"
        case Failed(cause, _):
            why_not = f"{slot.name} has failed ({cause}): engineroom start {slot.name} tries again"
        case _:
            pass
    joins = settings.joins()
    begins = isinstance(state, Ready) and not slot.awaits_heir and not slot.hold
    return EngineView(
        name=slot.name,
        parallel=settings.parallel,
        deterministic=settings.deterministic,
        free=begins and (joins or not slot.record.life.flights),
        available=not why_not,
        why_not=why_not,
        hold=slot.hold,
        blocked_by=slot.blocked_by,
        load_seconds=slot.load_seconds,
        planning=settings.planning(),
        joins=joins,
        loaded=isinstance(state, Ready | Draining),
        language=_language(settings),
    )


def _language(settings: EngineSettings) -> str:
    told = getattr(settings, "language", "")
    return "" if told == "auto" else str(told)
