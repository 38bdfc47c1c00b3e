"""Jobs in the order in which they may fly, sorted anew only when one comes, goes or changes its place. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import islice

from supervisor.jobs.job import Job
from supervisor.jobs.order import Order

HEAD = 16
"""So many jobs for the same engine are looked after at once: planned ahead, assembled. The rest costs nothing."""


class Line:
    """Over `jobs`, by number: by priority, then first come first served; without those that wait for other jobs."""

    def __init__(self, jobs: Mapping[int, Job], order: Order) -> None:
        self._jobs = jobs
        self._order = order
        self._version = -1
        self._queues: list[list[Job]] = []
        self._looks = 0

    def changed(self) -> None:
        """A job came, went, or changed its priority or engine."""
        self._version = -1

    def head(self) -> tuple[Job, ...]:
        """Those whose turn it is, or soon will be: some for each engine or kind that jobs name."""
        if self._version != self._order.version:
            self._sort()
        self._looks += 1
        first = [job for queue in self._queues for job in self._first(queue)]
        return tuple(sorted(first, key=_place)) if len(self._queues) > 1 else tuple(first)

    def _sort(self) -> None:
        queues: defaultdict[tuple[str, str], list[Job]] = defaultdict(list)
        for job in sorted(self._jobs.values(), key=_place):
            if self._order.waits_for(job) is None:
                queues[job.spec.kind, job.facts.engine].append(job)
        self._queues = list(queues.values())
        self._version = self._order.version

    def _first(self, queue: list[Job]) -> list[Job]:
        """Those that can go on, and in turn some of those before them that something holds up, so that none of these
        keeps the others from their turn."""
        ready: list[Job] = []
        held: list[Job] = []
        for job in queue:
            if len(ready) == HEAD:
                break
            facts = job.facts
            if job.hold is not None and not job.flights:
                held.append(job)
            elif not facts.paused or facts.all_ended or job.flights:
                ready.append(job)
        if not held:
            return ready
        begin = self._looks * HEAD % len(held)
        return sorted([*ready, *islice([*held, *held], begin, begin + min(HEAD, len(held)))], key=_place)


def _place(job: Job) -> tuple[int, int]:
    return -job.facts.priority, job.spec.number
