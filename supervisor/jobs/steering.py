"""Jobs changed while they run, and taken up again after their end."""

from __future__ import annotations

import sqlite3
import time
from typing import assert_never

from ipc import control
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import JobRow
from supervisor.jobs import again, submission
from supervisor.jobs.bureau import Bureau
from supervisor.jobs.effects import Effect
from supervisor.jobs.job import Job, Unit
from supervisor.jobs.reading import reload, units_by
from supervisor.jobs.replanning import unread_tail

Steer = (
    control.PauseJob
    | control.ResumeJob
    | control.CancelJob
    | control.PrioritizeJob
    | control.MoveJob
    | control.ReleaseJob
    | control.RetryJob
    | control.RedoUnits
)


class Steering:
    """Over the bureau."""

    def __init__(self, bureau: Bureau) -> None:
        self._bureau = bureau

    async def steer(self, wish: Steer) -> JobRow:
        """The job's row once it is so.

        Raises:
            RequestFailed: no such job or unit, it is over, or it makes no sense.
        """
        match wish:
            case control.RetryJob(id_, units):
                return await self._retry(id_, units)
            case control.RedoUnits(id_, units):
                return await self._redo(id_, units)
            case control.CancelJob(id_):
                return await self._cancel(self._bureau.unfinished(id_))
            case control.PauseJob(id_):
                return await self._change(id_, paused=True)
            case control.ResumeJob(id_):
                return await self._change(id_, paused=False)
            case control.PrioritizeJob(id_, priority):
                submission.check_priority(priority)
                return await self._change(id_, priority=priority)
            case control.MoveJob(id_, engine):
                kind = self._bureau.unfinished(id_).spec.kind
                submission.check_engine(engine, kind, self._bureau.floor, self._bureau.pools)
                return await self._change(id_, engine=engine)
            case control.ReleaseJob(id_):
                return await self._change(id_, after=())
            case _:
                assert_never(wish)

    async def _change(self, id_: str, **facts: object) -> JobRow:
        number = self._bureau.unfinished(id_).spec.number
        return await self._bureau.carry_out(number, self._bureau.book.change(number, **facts))

    async def _cancel(self, job: Job) -> JobRow:
        if job.errand == "placing" and len(job.spec.outputs) == 1:
            raise RequestFailed(
                Problem("Job is finishing", f"The output of {job.spec.id} is being put in its place.", "Look again.")
            )
        number = job.spec.number
        forgotten = self._bureau.air.forget(number)
        return await self._bureau.carry_out(number, [*forgotten, *self._bureau.book.cancel(number, time.time())])

    # ── again ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _retry(self, id_: str, names: tuple[str, ...]) -> JobRow:
        bureau = self._bureau
        before, units = await self._look_up(id_, names, ("failed", "quarantined"))
        tail = unread_tail(before) if not names else None
        goes_on = before.facts.ending in ("cancelled", "failed") and not names
        if names:
            _refuse_cancelled(before)
        if not (units or tail or goes_on):
            what = f"{id_} has no failed unit named {', '.join(names)}" if names else f"Nothing of {id_} failed"
            raise RequestFailed(Problem("Nothing to retry", f"{what}.", "`engineroom job problems` lists them."))
        job, effects = self._take_back(before)
        bureau.air.acquit(job.spec.number, units)
        effects += again.retry(job, units)
        if tail is not None:
            effects += bureau.book.rewind(job, tail)
        return await bureau.carry_out(job.spec.number, effects)

    async def _redo(self, id_: str, names: tuple[str, ...]) -> JobRow:
        before, units = await self._look_up(id_, names, ("done",)) if names else (None, [])
        if before is None or not units:
            named = ", ".join(names) or "nothing"
            raise RequestFailed(
                Problem("Nothing to redo", f"{id_} has no finished unit named {named}.", "See `engineroom job units`.")
            )
        _refuse_cancelled(before)
        job, effects = self._take_back(before)
        return await self._bureau.carry_out(job.spec.number, [*effects, *again.redo(job, units)])

    async def _look_up(self, id_: str, names: tuple[str, ...], states: tuple[str, ...]) -> tuple[Job, list[Unit]]:
        """The job, as it is at work or else as it is stored, and those of its units. Nothing awaits after this."""
        number = self._bureau.find(id_)[0].number

        def query(connection: sqlite3.Connection) -> tuple[Job | None, list[Unit]]:
            return reload(connection, number), units_by(connection, number, names, states)

        while True:
            stored, units = await self._bureau.read(query)
            job = self._bureau.jobs.get(number)
            if job is not None:
                open_now = {unit.index for unit in job.open_units()}
                return job, [unit for unit in units if unit.index not in open_now]
            if stored is None or number in self._bureau.leaving or not self._bureau.wall.knows(number):
                raise RequestFailed(Problem("Unknown job", f"{id_} was cleared.", ""))
            if stored.facts.ending is not None:  # else it has ended since the store was asked
                return stored, units

    def _take_back(self, job: Job) -> tuple[Job, list[Effect]]:
        """The job at work, and what that takes."""
        at_work = job.spec.number in self._bureau.jobs
        reader = next((other for other in self._bureau.jobs.values() if other.reads_from(job.spec)), None)
        if reader is not None and not at_work:
            what = f"{reader.spec.id} is reading what {job.spec.id} wrote, which would be written anew."
            raise RequestFailed(Problem("Others read it", what, "Wait for its end, or cancel it."))
        return job, [] if at_work else self._bureau.book.take_back(job)


def _refuse_cancelled(job: Job) -> None:
    """Single units of a job that was cancelled cannot be done without the rest. Raises RequestFailed."""
    if job.facts.ending == "cancelled":
        hint = f"`engineroom job retry {job.spec.id}` goes on with all that is left of it."
        raise RequestFailed(Problem("Job was cancelled", f"{job.spec.id} was cancelled.", hint))
