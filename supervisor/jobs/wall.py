"""The wall where the jobs' rows hang: shows only what is stored, and tells the floor when a row changed."""

from __future__ import annotations

from collections.abc import Callable

from ipc.snapshot import JobRow
from supervisor.jobs.changes import Change, FactsChanged, JobAdded
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.job import Facts, Job, Spec
from supervisor.jobs.rows import Meter, row_of


class Wall:
    """Over all jobs there ever were, by number."""

    def __init__(self, floor: Floor, jobs: dict[int, Job], serving: Callable[[Spec], tuple[EngineView, ...]]) -> None:
        """`jobs` are the unfinished ones."""
        self._floor = floor
        self._jobs = jobs
        self._serving = serving
        self._stored: dict[int, tuple[Spec, Facts]] = {}
        self._meters: dict[int, Meter] = {}
        self._published: dict[int, JobRow] = {}
        self._changed: set[int] = set()
        self.trouble = ""
        """Why nothing can be stored just now, or empty."""

    def hang(self, spec: Spec, facts: Facts) -> None:
        """A job that was stored."""
        self._stored[spec.number] = (spec, facts)
        self._published[spec.number] = self.row(spec.number)

    def note(self, change: Change) -> None:
        """This change is stored."""
        match change:
            case JobAdded(spec, facts):
                self._stored[spec.number] = (spec, facts)
                self._changed.add(spec.number)
            case FactsChanged(job, facts):
                self._stored[job] = (self._stored[job][0], facts)
                self._changed.add(job)
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

    def second(self, monotonic: float) -> None:
        """Once a second: rates, and what changed about jobs without being stored."""
        self._meters = {number: meter for number, meter in self._meters.items() if number in self._jobs}
        for number in self._jobs:
            if number in self._stored:
                facts = self._stored[number][1]
                self._meters.setdefault(number, Meter(monotonic, facts)).read(monotonic, facts)
                self._changed.add(number)
        self.publish()

    def row(self, number: int) -> JobRow:
        """The row of a stored job."""
        spec, facts = self._stored[number]
        return row_of(spec, facts, self._jobs.get(number), self._serving(spec), self.trouble, self._meters.get(number))

    def rows(self) -> tuple[JobRow, ...]:
        """Every job, oldest first."""
        return tuple(
            self._published[number] if facts.ending is not None and number in self._published else self.row(number)
            for number, (_, facts) in self._stored.items()
        )

    def find(self, id: str) -> tuple[Spec, Facts] | None:  # noqa: A002 (the word of the protocol)
        """The stored job of that id."""
        return next((stored for stored in self._stored.values() if stored[0].id == id), None)

    def stored(self, number: int) -> tuple[Spec, Facts]:
        """The stored job of that number."""
        return self._stored[number]

    def hooks_due(self) -> list[int]:
        """The jobs whose command for their end was not run before the last supervisor ended."""
        return [number for number, (_, facts) in self._stored.items() if facts.hook_due]

    def ids(self) -> list[str]:
        """Every job's id."""
        return [spec.id for spec, _ in self._stored.values()]
