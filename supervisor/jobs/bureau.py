"""Where clients' wishes about jobs come in: whom they concern, and the answer once what they decided is durable."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from config.errors import did_you_mean
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import JobRow
from supervisor.awaited import Awaited
from supervisor.jobs.air import Air
from supervisor.jobs.book import Book
from supervisor.jobs.effects import Effect
from supervisor.jobs.floor import Floor
from supervisor.jobs.job import Facts, Job, Spec
from supervisor.jobs.routes import Pools
from supervisor.jobs.store import Store
from supervisor.jobs.wall import Wall

T = TypeVar("T")


@dataclass(frozen=True)
class Bureau:
    """What is needed to look a job up, to decide about it and to answer; all of it is the foreman's."""

    floor: Floor
    pools: Pools
    store: Store
    jobs: dict[int, Job]
    book: Book
    air: Air
    wall: Wall
    files: Path
    """The folder of results that are too long for the store."""
    act: Callable[[Iterable[Effect]], None]
    trouble: Callable[[], Problem | None]
    """Why nothing can be stored just now."""
    is_open: Callable[[], bool]
    """Whether the jobs were taken up: until then none is known."""
    promised: set[Awaited[Any]] = field(default_factory=set)
    """Clients that wait until something is stored."""
    leaving: set[int] = field(default_factory=set)
    """Jobs that are being cleared."""

    def find(self, id: str) -> tuple[Spec, Facts]:  # noqa: A002 (the word of the protocol)
        """The stored job of that id. Raises RequestFailed: there is none."""
        if not self.is_open():
            self.refuse_in_trouble()
        found = self.wall.find(id)
        if found is None:
            raise RequestFailed(Problem("Unknown job", f"There is no job {id!r}.", did_you_mean(id, self.wall.ids())))
        return found

    def unfinished(self, id: str) -> Job:  # noqa: A002
        """The job of that id. Raises RequestFailed: there is none, it is over, or nothing can be stored."""
        spec, facts = self.find(id)
        self.refuse_in_trouble()
        job = self.jobs.get(spec.number)
        if job is None:
            over = facts.ending or "ending"
            raise RequestFailed(Problem("Job is over", f"{id} is {over}.", "`engineroom job retry` takes it up again."))
        return job

    def refuse_in_trouble(self) -> None:
        """Raises RequestFailed while nothing can be stored."""
        if (problem := self.trouble()) is not None:
            raise RequestFailed(problem)

    async def carry_out(self, number: int, wanted: Iterable[Effect]) -> JobRow:
        """The row once all of it is stored."""
        await self.settle(wanted)
        return self.wall.row(number)

    async def settle(self, wanted: Iterable[Effect]) -> None:
        """Do it, and wait until it is stored. Raises RequestFailed: it cannot be stored just now, but will be."""
        self.act(wanted)
        stored = Awaited[None]()
        self.store.write((), partial(stored.give, None))
        self.promised.add(stored)
        try:
            await stored.get()
        finally:
            self.promised.discard(stored)

    def tell_late(self, problem: Problem) -> None:
        """Nothing can be stored: who waits for that is told so."""
        late = Problem(problem.title, f"It is not stored yet: {problem.detail}", f"It will be. {problem.hint}")
        for stored in self.promised:
            stored.refuse(late)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What the store says, after everything written so far. Raises RequestFailed: it cannot be read."""
        self.refuse_in_trouble()
        found = Awaited[T]()

        def ask(connection: sqlite3.Connection) -> Callable[[], None]:
            try:
                return partial(found.give, query(connection))
            except (msgspec.MsgspecError, ValueError, OverflowError) as error:
                return partial(found.refuse, Problem("Jobs damaged", f"What is stored makes no sense: {error}.", ""))

        self.store.read(ask)
        self.promised.add(found)
        try:
            return await found.get()
        finally:
            self.promised.discard(found)
