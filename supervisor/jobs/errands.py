"""What a job needs besides flights: its inputs read, its output written, and the output put in its place.

The desk does the first two; the last has to wait for a disk, so it is done in a task of its own.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio
import msgspec
from anyio import to_thread

from engines import beside
from engines.catalog import KINDS
from ipc import work
from ipc.snapshot import Scalar
from supervisor.jobs import output, unit_files
from supervisor.jobs.air import Air
from supervisor.jobs.book import Book
from supervisor.jobs.desks import Desks, Task
from supervisor.jobs.effects import Effect
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.job import Job, Numbers, Spec
from supervisor.jobs.reading import files_that_count, results
from supervisor.jobs.store import Store

Chore: TypeAlias = Callable[[], Coroutine[None, None, None]]
Act: TypeAlias = Callable[[Iterable[Effect]], None]
"""Perform these effects, and whatever can be set going after them."""


class Errands:
    """Over `jobs`, by number: those that are not finished. A job may be gone before its errand is done."""

    def __init__(
        self,
        floor: Floor,
        store: Store,
        jobs: dict[int, Job],
        book: Book,
        air: Air,
        files: Path,
        flights: Numbers,
        serving: Callable[[Job], tuple[EngineView, ...]],
        act: Act,
    ) -> None:
        """`files` is the folder of results that are too long for the store."""
        self._floor = floor
        self._store = store
        self._jobs = jobs
        self._book = book
        self._air = air
        self._files = files
        self._flights = flights
        self._serving = serving
        self._act = act
        self._desks = Desks(Numbers(), floor.to_desk)
        self._new_chores, self._chores = anyio.create_memory_object_stream[Chore](math.inf)
        self._closed = False
        self.monotonic = time.monotonic()
        """As of the last second: enough for holds and retries."""

    async def run(self) -> None:
        """Do what has to wait for a disk, until `close`."""
        async with anyio.create_task_group() as tasks, self._chores:
            async for chore in self._chores:
                tasks.start_soon(chore)

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True
        self._new_chores.close()

    # ── the desk ──────────────────────────────────────────────────────────────────────────────────────────

    def plan(self, number: int, limit: int) -> None:
        """Have the desk read on, when its turn comes."""

        def make(job: Job, task: int) -> work.Plan:
            facts, back = job.facts, job.parked
            source, cursor = (facts.source, facts.cursor) if back is None else (back.source, back.cursor)
            identity = facts.identity if source == facts.source else ""
            return work.Plan(task, job.spec.inputs[source], cursor, limit, self._settings(job), identity)

        self._give(self._jobs[number], make)

    def assemble(self, number: int, which: int) -> None:
        """Have the desk write the part file of an output, when its turn comes."""

        def make(job: Job, task: int) -> work.Assemble:
            part = output.part_of(job.spec.outputs[which], job.spec.id)
            return work.Assemble(task, job.spec.id, str(part), self._settings(job))

        self._give(self._jobs[number], make, which)

    def said(self, kind: str, message: work.Planned | work.Pull | work.Assembled | work.TaskFailed) -> None:
        """A desk spoke of its task."""
        task = self._desks.current(kind, message.task)
        if task is None:
            return
        if isinstance(message, work.Pull):
            self._store.read(partial(self._pulled, task, message))
            return
        if self._is_at_work(task.job):
            self._act(self._outcome(task, message))
        elif task.job.spec.number not in self._jobs:  # else it goes on, and its new flights may be writing files
            self.tidy(task.job.spec)
        self._desks.over(kind)

    def lost(self, kind: str, cause: str) -> None:
        """A desk is gone, and its task with it."""
        task = self._desks.over(kind)
        if task is not None:
            self._end(task.job, lambda: self._mishap(task.job, cause))

    def _give(self, job: Job, make: Callable[[Job, int], work.Plan | work.Assemble], which: int = 0) -> None:
        self._desks.give(job, lambda task: make(job, task) if self._is_at_work(job) else None, which)

    def _is_at_work(self, job: Job) -> bool:
        """Whether it has not ended; one that was taken up again since is another."""
        return self._jobs.get(job.spec.number) is job

    def _settings(self, job: Job) -> dict[str, Scalar]:
        engines = self._serving(job)
        settings = self._floor.settings_of(engines[0].name) if engines else job.spec.settings
        return {**settings, **job.spec.own}

    def _outcome(self, task: Task, message: work.Planned | work.Assembled | work.TaskFailed) -> list[Effect]:
        number = task.job.spec.number
        planning = msgspec.convert(task.message.settings, KINDS[task.job.spec.kind].settings).planning()
        match message:
            case work.Planned():
                return self._book.planned(number, message, planning)
            case work.Assembled():
                self._begin(partial(self._identify, task.job, task.output))
                return []
            case work.TaskFailed(problem=problem, retry=True):
                return self._mishap(task.job, problem.detail)
            case work.TaskFailed(problem=problem):
                if isinstance(task.message, work.Plan):
                    return self._book.unreadable(number, problem, planning)
                refused = self._book.refused(number, problem, time.time())
                return [*self._air.forget(number), *refused] if refused else []

    def _pulled(self, task: Task, pull: work.Pull, connection: sqlite3.Connection) -> Callable[[], None]:
        spec = task.job.spec
        source = task.output if len(spec.outputs) > 1 else None
        rows, last = results(connection, self._files, spec.number, source, pull.after, pull.limit)
        return partial(self._answer, task, work.Results(task.number, rows, last))

    def _answer(self, task: Task, answer: work.Results) -> None:
        if self._desks.current(task.job.spec.kind, task.number) is task:
            self._floor.to_desk(task.job.spec.kind, answer)

    # ── the output ────────────────────────────────────────────────────────────────────────────────────────

    def place(self, number: int, which: int) -> None:
        """Make the part file the output."""
        job = self._jobs.get(number)
        if job is not None:
            self._begin(partial(self._place, job, which, job.outputs[which].identities))

    def tidy(self, spec: Spec) -> None:
        """Remove what a job that is over leaves: part files, and results that no unit counts on."""
        latest = self._flights.used  # a job that goes on later may be writing files with higher numbers by then
        self._store.read(partial(self._counted, spec, latest))

    def _counted(self, spec: Spec, latest: int, connection: sqlite3.Connection) -> Callable[[], None]:
        counting = files_that_count(connection, spec.number)
        return partial(self._begin, partial(to_thread.run_sync, self._sweep, spec, latest, counting))

    def _sweep(self, spec: Spec, latest: int, counting: frozenset[str]) -> None:
        if spec.number not in self._jobs:  # else it goes on, and the part files are those of its next output
            for path in spec.outputs:
                output.discard(path, spec.id)
            beside.sweep(spec.outputs, spec.id, cleared=False)
        unit_files.sweep(self._files, spec.number, counting, latest)

    async def _identify(self, job: Job, which: int) -> None:
        try:
            identity = await to_thread.run_sync(output.identity, output.part_of(job.spec.outputs[which], job.spec.id))
        except OSError as error:
            reason = f"the part file is gone: {error.strerror}"
            self._end(job, lambda: self._mishap(job, reason))
        else:
            self._end(job, lambda: self._book.assembled(job.spec.number, which, identity))

    async def _place(self, job: Job, which: int, ours: tuple[str, ...]) -> None:
        try:
            await to_thread.run_sync(output.place, job.spec.outputs[which], job.spec.id, ours)
        except output.PartMissing:
            self._end(job, lambda: self._book.part_missing(job.spec.number))
        except output.CannotPlace as error:
            reason = error.problem.detail
            self._end(job, lambda: self._mishap(job, reason))
        else:
            self._end(job, lambda: self._book.placed(job.spec.number, which))

    def _begin(self, chore: Chore) -> None:
        if not self._closed:  # else the store had yet to answer when everything ended
            self._new_chores.send_nowait(chore)

    def _end(self, job: Job, decide: Callable[[], list[Effect]]) -> None:
        if self._is_at_work(job):  # else it was cancelled meanwhile
            self._act(decide())

    def _mishap(self, job: Job, reason: str) -> list[Effect]:
        return self._book.mishap(job.spec.number, reason.rstrip("."), self.monotonic)
