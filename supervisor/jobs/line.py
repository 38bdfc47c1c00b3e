"""Jobs in the order in which they may fly, sorted anew only when one comes, goes or changes its place. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

from supervisor.jobs.job import Job
from supervisor.jobs.order import Order

HEAD = 16
"""So many jobs for the same engine are looked after at once: planned ahead, assembled. The rest costs nothing."""


class Line:
    """Over `jobs`, by number: by priority, then first come first served."""

    def __init__(self, jobs: Mapping[int, Job], order: Order) -> None:
        self._jobs = jobs
        self._order = order
        self._stale = True
        self._queues: list[list[Job]] = []

    def changed(self) -> None:
        """A job came, went, or changed its priority or engine."""
        self._stale = True

    def head(self) -> tuple[Job, ...]:
        """Those whose turn it is, or soon will be: some for each engine or kind that jobs name."""
        if self._stale:
            self._sort()
        first = [job for queue in self._queues for job in islice(self._ready(queue), HEAD)]
        return tuple(sorted(first, key=_place)) if len(self._queues) > 1 else tuple(first)

    def _sort(self) -> None:
        queues: defaultdict[tuple[str, str], list[Job]] = defaultdict(list)
        for job in sorted(self._jobs.values(), key=_place):
            queues[job.spec.kind, job.facts.engine].append(job)
        self._queues = list(queues.values())
        self._stale = False

    def _ready(self, queue: list[Job]) -> Iterator[Job]:
        """Without those that wait for other jobs, and those that a person has paused with nothing in the air."""
        for job in queue:
            facts = job.facts
            if (not facts.paused or facts.all_ended or job.flights) and self._order.waits_for(job) is None:
                yield job


def _place(job: Job) -> tuple[int, int]:
    return -job.facts.priority, job.spec.number
