"""What a job needs besides flights: its inputs read, its output written, and the output put in its place.

The desk does the first two; the last has to wait for a disk, so it is done in a task of its own.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TypeAlias

import anyio
from anyio import to_thread

from ipc import work
from ipc.snapshot import Scalar
from supervisor.jobs import output
from supervisor.jobs.book import Book
from supervisor.jobs.desks import Desks, Task
from supervisor.jobs.effects import Effect
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.job import Job, Numbers, Spec
from supervisor.jobs.reading import results
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
        serving: Callable[[Spec], tuple[EngineView, ...]],
        act: Act,
    ) -> None:
        self._floor = floor
        self._store = store
        self._jobs = jobs
        self._book = book
        self._serving = serving
        self._act = act
        self._desks = Desks(Numbers(), floor.to_desk)
        self._new_chores, self._chores = anyio.create_memory_object_stream[Chore](math.inf)
        self.monotonic = time.monotonic()
        """As of the last second: enough for holds and retries."""

    async def run(self) -> None:
        """Do what has to wait for a disk, until `close`."""
        async with anyio.create_task_group() as tasks, self._chores:
            async for chore in self._chores:
                tasks.start_soon(chore)

    def close(self) -> None:
        """Begin nothing more."""
        self._new_chores.close()

    # ── the desk ──────────────────────────────────────────────────────────────────────────────────────────

    def plan(self, number: int, limit: int) -> None:
        """Have the desk read on, when its turn comes."""

        def make(job: Job, task: int) -> work.Plan:
            source = job.spec.inputs[job.facts.source]
            return work.Plan(task, source, job.facts.cursor, limit, self._settings(job.spec))

        self._desks.give(self._jobs[number].spec, partial(self._make, number, make))

    def assemble(self, number: int) -> None:
        """Have the desk write the part file, when its turn comes."""

        def make(job: Job, task: int) -> work.Assemble:
            part = output.part_of(job.spec.output, job.spec.id)
            return work.Assemble(task, job.spec.id, str(part), self._settings(job.spec))

        self._desks.give(self._jobs[number].spec, partial(self._make, number, make))

    def said(self, kind: str, message: work.Planned | work.Pull | work.Assembled | work.TaskFailed) -> None:
        """A desk spoke of its task."""
        task = self._desks.current(kind, message.task)
        if task is None:
            return
        if isinstance(message, work.Pull):
            self._store.read(partial(self._pulled, task, message))
            return
        self._desks.over(kind)
        if task.spec.number in self._jobs:
            self._act(self._outcome(task, message))
        else:
            self.discard(task.spec)

    def lost(self, kind: str, cause: str) -> None:
        """A desk is gone, and its task with it."""
        task = self._desks.over(kind)
        if task is not None:
            self._end(task.spec.number, lambda: self._mishap(task.spec.number, cause))

    def _make(
        self, number: int, make: Callable[[Job, int], work.Plan | work.Assemble], task: int
    ) -> work.Plan | work.Assemble | None:
        job = self._jobs.get(number)
        return None if job is None else make(job, task)

    def _settings(self, spec: Spec) -> dict[str, Scalar]:
        engines = self._serving(spec)
        return self._floor.settings_of(engines[0].name) if engines else spec.settings

    def _outcome(self, task: Task, message: work.Planned | work.Assembled | work.TaskFailed) -> list[Effect]:
        number = task.spec.number
        match message:
            case work.Planned():
                return self._book.planned(number, message)
            case work.Assembled():
                self._begin(partial(self._identify, task.spec))
                return []
            case work.TaskFailed(problem=problem, retry=True):
                return self._mishap(number, problem.detail)
            case work.TaskFailed(problem=problem):
                if isinstance(task.message, work.Plan):
                    return self._book.unreadable(number, problem)
                return self._book.refused(number, problem, time.time())

    def _pulled(self, task: Task, pull: work.Pull, connection: sqlite3.Connection) -> Callable[[], None]:
        rows, last = results(connection, task.spec.number, pull.after, pull.limit)
        return partial(self._answer, task, work.Results(task.number, rows, last))

    def _answer(self, task: Task, answer: work.Results) -> None:
        if self._desks.current(task.spec.kind, task.number) is task:
            self._floor.to_desk(task.spec.kind, answer)

    # ── the output ────────────────────────────────────────────────────────────────────────────────────────

    def place(self, number: int) -> None:
        """Make the part file the output."""
        job = self._jobs.get(number)
        if job is not None:
            self._begin(partial(self._place, job.spec, job.facts.placed))

    def discard(self, spec: Spec) -> None:
        """Remove the part file."""
        self._begin(partial(to_thread.run_sync, output.discard, spec.output, spec.id))

    async def _identify(self, spec: Spec) -> None:
        try:
            identity = await to_thread.run_sync(output.identity, output.part_of(spec.output, spec.id))
        except OSError as error:
            reason = f"the part file is gone: {error.strerror}"
            self._end(spec.number, lambda: self._mishap(spec.number, reason))
        else:
            self._end(spec.number, lambda: self._book.assembled(spec.number, identity))

    async def _place(self, spec: Spec, placed: str) -> None:
        try:
            await to_thread.run_sync(output.place, spec.output, spec.id, placed)
        except output.PartMissing:
            self._end(spec.number, lambda: self._book.part_missing(spec.number))
        except output.CannotPlace as error:
            reason = error.problem.detail
            self._end(spec.number, lambda: self._mishap(spec.number, reason))
        else:
            self._end(spec.number, lambda: self._book.placed(spec.number, time.time()))

    def _begin(self, chore: Chore) -> None:
        self._new_chores.send_nowait(chore)

    def _end(self, number: int, decide: Callable[[], list[Effect]]) -> None:
        if number in self._jobs:  # else it was cancelled meanwhile
            self._act(decide())

    def _mishap(self, number: int, reason: str) -> list[Effect]:
        return self._book.mishap(number, reason.rstrip("."), self.monotonic)
