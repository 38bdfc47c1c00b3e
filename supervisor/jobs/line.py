"""Jobs in the order in which they may fly, sorted anew only when one comes, goes or changes its place. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from itertools import islice

from supervisor.jobs.job import Job
from supervisor.jobs.order import Order
from supervisor.jobs.schedule import LEAST_WINDOW

HEAD = 16
"""So many jobs for the same engine are looked after at once: planned ahead, assembled. The rest costs nothing."""
PASSED_UNITS = 2**16
"""Of a pool, jobs that wait for stages that have enough of them are passed over, so that they keep nobody from the rest
of the route, until they hold so many units in memory; each counts for at least the window that is planned of it."""


class Line:
    """Over `jobs`, by number: by priority, then first come first served; without those that wait for other jobs."""

    def __init__(self, jobs: Mapping[int, Job], order: Order) -> None:
        self._jobs = jobs
        self._order = order
        self._version = -1
        self._queues: list[list[Job]] = []
        self._turns = 0

    def changed(self) -> None:
        """A job came, went, or changed its priority or engine."""
        self._version = -1

    def turn(self) -> None:
        """The head was looked after: of those that something holds up, the next ones stand in it from now on."""
        self._turns += 1

    def head(self) -> tuple[Job, ...]:
        """Those whose turn it is, or soon will be: some for each engine or kind that jobs name, and for each stage of
        a pool."""
        if self._version != self._order.version:
            self._sort()
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
        counts: Counter[tuple[str, ...]] = Counter()
        full: set[tuple[str, ...]] = set()
        stageless = passed_units = 0
        for job in queue:
            if stageless == HEAD or passed_units >= PASSED_UNITS:
                break
            facts = job.facts
            if job.hold is not None and not job.flights:
                held.append(job)
            elif not facts.paused or facts.all_ended or job.flights:
                stages = _stages(job)
                if not stages:
                    stageless += 1
                    ready.append(job)
                elif full.issuperset(stages) and not job.flights:
                    held.append(job)
                    passed_units += max(LEAST_WINDOW, len(job.free))
                else:
                    ready.append(job)
                    counts.update(stages)
                    full.update(stage for stage in stages if counts[stage] == HEAD)
        if not held:
            return ready
        begin = self._turns * HEAD % len(held)
        return sorted([*ready, *islice([*held, *held], begin, begin + min(HEAD, len(held)))], key=_place)


def _stages(job: Job) -> Collection[tuple[str, ...]]:
    """The engines of each stage of a route that something of the job waits for, or flies on: none where it goes through
    no pool, or just has to be planned or written."""
    route = job.route
    if route is None:
        return ()
    stages = {stage.engines for stage, lane in zip(route.stages, job.lanes, strict=True) if lane}
    companies = [*(one.units for one in job.formations), *(one.units for one in job.flights.values())]
    stages.update(route.stages[route.stage_of(units[0].extent)].engines for units in companies if units)
    return stages


def _place(job: Job) -> tuple[int, int]:
    return -job.facts.priority, job.spec.number
