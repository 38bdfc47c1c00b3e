"""The wall where the jobs' rows hang: shows only what is stored, and tells the floor when a row changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

from ipc.snapshot import JobRow
from supervisor.jobs.changes import Change, FactsChanged, JobAdded, JobCleared
from supervisor.jobs.eta import Meter
from supervisor.jobs.floor import Floor
from supervisor.jobs.job import Ending, Facts, Job, Spec
from supervisor.jobs.order import Order
from supervisor.jobs.rows import About, row_of

ROUNDS = 100
"""So many rows of jobs with nothing going on are looked at in one second, in turn: their reasons can change, too."""
_HOW: dict[Ending, str] = {"failed": "failed", "cancelled": "was cancelled"}


class Wall:
    """Over all jobs that are stored, by number."""

    def __init__(self, floor: Floor, jobs: dict[int, Job], order: Order, about: Callable[[Job], About]) -> None:
        """`jobs` are the unfinished ones; `about` tells of the engines of one."""
        self._floor = floor
        self._jobs = jobs
        self._order = order
        self._about = about
        self._stored: dict[int, tuple[Spec, Facts]] = {}
        self._numbers: dict[str, int] = {}
        self._meters: dict[int, Meter] = {}
        self._published: dict[int, JobRow] = {}
        self._changed: set[int] = set()
        self._round: list[int] = []

    def hang(self, spec: Spec, facts: Facts) -> None:
        """A job that was stored."""
        self._store(spec, facts)
        self._published[spec.number] = self.row(spec.number)

    def note(self, change: Change) -> None:
        """This change is stored."""
        match change:
            case JobAdded(spec, facts):
                self._store(spec, facts)
                self._changed.add(spec.number)
            case FactsChanged(job, facts) if job in self._stored:
                self._store(self._stored[job][0], facts)
                self._changed.add(job)
            case JobCleared(job):
                self._take_down(job)
            case _:
                pass

    def publish(self) -> None:
        """Tell every row that is not as it was told before."""
        for number in sorted(self._changed):
            row = self.row(number)
            if row != self._published.get(number):
                self._published[number] = row
                self._floor.job_changed(row)
        self._changed.clear()

    def second(self, monotonic: float, active: Iterable[int]) -> None:
        """Once a second: rates of the `active` jobs, and what changed about any without being stored."""
        active = [number for number in active if number in self._stored]
        self._meters = {number: meter for number, meter in self._meters.items() if number in self._jobs}
        for number in active:
            facts = self._stored[number][1]
            self._meters.setdefault(number, Meter(monotonic, facts)).read(monotonic, facts)
        self._round = self._round or list(self._jobs)
        others, self._round = list(islice(self._round, ROUNDS)), self._round[ROUNDS:]
        self._changed.update(active, (number for number in others if number in self._stored and number in self._jobs))
        self.publish()

    def look_again(self) -> None:
        """Something changed that concerns all unfinished jobs."""
        self._changed.update(number for number in self._jobs if number in self._stored)
        self.publish()

    def row(self, number: int) -> JobRow:
        """The row of a stored job."""
        spec, facts = self._stored[number]
        job = self._jobs.get(number)
        about = self._about_others(job, facts, self._about(job or Job(spec, facts)))
        return row_of(spec, facts, job, about, self._meters.get(number))

    def rows(self) -> tuple[JobRow, ...]:
        """Every job, oldest first, as they were told."""
        self.publish()
        return tuple(self._published[number] for number in self._stored)

    def find(self, id: str) -> tuple[Spec, Facts] | None:  # noqa: A002 (the word of the protocol)
        """The stored job of that id."""
        number = self._numbers.get(id)
        return None if number is None else self._stored[number]

    def knows(self, number: int) -> bool:
        """Whether a job of that number is stored."""
        return number in self._stored

    def stored(self, number: int) -> tuple[Spec, Facts]:
        """The stored job of that number."""
        return self._stored[number]

    def over(self) -> list[tuple[Spec, Facts]]:
        """Every job that has ended, oldest first."""
        return [
            stored
            for number, stored in self._stored.items()
            if stored[1].ending is not None and number not in self._jobs
        ]

    def hooks_due(self) -> list[int]:
        """The jobs whose command for their end was not run before the last supervisor ended."""
        return [number for number, (_, facts) in self._stored.items() if facts.hook_due]

    def ids(self) -> list[str]:
        """Every job's id."""
        return list(self._numbers)

    def _store(self, spec: Spec, facts: Facts) -> None:
        self._stored[spec.number] = (spec, facts)
        self._numbers[spec.id] = spec.number
        self._order.note(spec.number, facts.ending)

    def _take_down(self, number: int) -> None:
        spec, _ = self._stored.pop(number)
        del self._numbers[spec.id]
        self._published.pop(number, None)
        self._changed.discard(number)
        self._order.forget(number)
        self._floor.job_gone(spec.id)

    def _about_others(self, job: Job | None, facts: Facts, about: About) -> About:
        """With the jobs that come before it."""
        if not facts.after:
            return about
        ids = tuple(self._stored[number][0].id for number in facts.after if number in self._stored)
        first = None if job is None else self._order.waits_for(job)
        if first is None or first not in self._stored:
            return replace(about, after=ids)
        ending = self._order.ending(first)
        how = "" if ending is None else _HOW.get(ending, "")
        return replace(about, after=ids, waits_for=self._stored[first][0].id, ended_badly=how)
