"""How often what came to a pool found its engine loaded, and how often it had to wait for a load. Pure.

Counted once for each recording, when the first of its units is sent, and for each request, when it is. Whatever is in
the first flight after a load that work had to wait for has waited; what comes after that finds the engine loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from supervisor.jobs.job import Flight, Job


class Hits:
    """Since the supervisor began."""

    def __init__(self) -> None:
        self._hits: Counter[str] = Counter()
        self._misses: Counter[str] = Counter()
        self._awaited: set[str] = set()
        """Engines that work waits for, without a model so far."""

    def awaited(self, engine: str) -> None:
        """Work waits for this engine, which has no model."""
        self._awaited.add(engine)

    def settle(self, engines: Iterable[str]) -> None:
        """These are loaded, and nothing waits for them any more."""
        self._awaited.difference_update(engines)

    def sent(self, pool: str, job: Job, flight: Flight) -> None:
        """A flight was sent; `pool` is empty for one that came through none."""
        waited = flight.engine in self._awaited
        self._awaited.discard(flight.engine)
        if pool:
            new = {unit.source for unit in flight.units} - job.begun_sources
            job.begun_sources |= new
            (self._misses if waited else self._hits)[pool] += len(new)

    def asked(self, pool: str, *, loaded: bool) -> None:
        """A request flies on an engine of the pool; `loaded` tells of the moment when it came."""
        (self._hits if loaded else self._misses)[pool] += 1

    def of(self, pool: str) -> tuple[int, int]:
        """Hits and misses."""
        return self._hits[pool], self._misses[pool]
