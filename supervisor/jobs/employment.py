"""What one engine is given now: requests of people, units of jobs, or the proof that it is well. Decides only.

Where flights join, people and units fly beside each other. Where somebody is under suspicion, one flies at a time, so
that a death tells who it was; then people and units take turns, so that neither waits for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from supervisor.jobs.air import Air
from supervisor.jobs.asks import Asks
from supervisor.jobs.effects import Effect, Fly
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.hits import Hits
from supervisor.jobs.job import Flight, Job
from supervisor.jobs.routes import Pools, serves, serving
from supervisor.jobs.runs import Run
from supervisor.jobs.schedule import Choice, ahead, choose

ASKS_ALOFT = 256
"""So many requests of people an engine whose flights join is given at once; the others wait for one of them to end."""
Views: TypeAlias = Mapping[str, tuple[EngineView, ...]]
"""The engines of each kind, as they are at one moment."""


@dataclass(frozen=True)
class Moment:
    """Jobs in turn, with the engines as they are now."""

    views: Views
    jobs: tuple[Job, ...]
    unix: float
    monotonic: float
    yielding: Mapping[str, str] = field(default_factory=dict)
    """Engines that begin no flight of a job, each with the one that it makes room for."""

    def serving(self, job: Job) -> tuple[EngineView, ...]:
        """The engines that it may fly on."""
        return serving(job, self.views[job.spec.kind])


class Employment:
    """Over the same jobs, flights and requests as the rest of the room."""

    def __init__(self, floor: Floor, jobs: dict[int, Job], air: Air, asks: Asks, pools: Pools, hits: Hits) -> None:
        self._floor = floor
        self._jobs = jobs
        self._air = air
        self._asks = asks
        self._pools = pools
        self._hits = hits
        self._units_turn: set[str] = set()
        """Of the engines that fly one at a time, those whose last flight was a person's."""

    def employ(self, kind: str, engine: EngineView, moment: Moment) -> list[Effect]:
        """Send it what may begin now."""
        name = engine.name
        if not engine.available:
            self._asks.refuse(name, engine.why_not)
            self._air.end_trial(name)
        elif engine.hold.startswith("memory: "):  # a person is told at once, while jobs wait
            self._asks.refuse(name, f"{name} is held, {engine.hold.rstrip('.')}")
        if not engine.free:
            return [] if self._busy(name) else self._air.disband(name)
        if self._one_at_a_time(name, moment):
            return self._take_turns(kind, engine, moment)
        answers = [] if self._busy(name) and not engine.joins else self._answer(engine)
        if name in moment.yielding:
            return answers + ([] if self._air.aloft(name) else self._air.disband(name))
        if answers and not engine.joins:
            return answers
        return answers + self._units(kind, engine, moment)

    def look_ahead(self, kind: str, engine: EngineView, moment: Moment) -> list[Effect]:
        """While an engine flies, compose and store what it flies next: the disk's milliseconds cost it nothing then."""
        name = engine.name
        idle = not self._busy(name) or self._air.next_of(name) is not None
        if idle or name in moment.yielding or self._is_suspect(name, moment):
            return []
        return self._compose(kind, engine, moment)

    # ── one at a time ─────────────────────────────────────────────────────────────────────────────────────

    def _one_at_a_time(self, engine: str, moment: Moment) -> bool:
        following = self._air.next_of(engine)
        return self._is_suspect(engine, moment) or (following is not None and following.solitary)

    def _is_suspect(self, engine: str, moment: Moment) -> bool:
        air = self._air
        return (
            air.on_trial(engine) or air.careful(engine, moment.monotonic) or air.shaken(engine) or air.solitary(engine)
        )

    def _take_turns(self, kind: str, engine: EngineView, moment: Moment) -> list[Effect]:
        name, waited_for = engine.name, engine.name in self._asks.wanted()
        if self._busy(name):
            # Until the units aloft have ended there is no turn to take, and people need not wait for them.
            ending = engine.joins and self._air.aloft(name) and not self._is_suspect(name, moment)
            return self._answer(engine) if ending else []
        if waited_for and (name not in self._units_turn or name in moment.yielding):
            self._units_turn.add(name)
            return self._answer(engine, 1)
        self._units_turn.discard(name)
        if name in moment.yielding:
            return self._air.disband(name)
        if self._air.on_trial(name):
            return self._air.disband(name) + self._air.try_known(engine)
        return self._units(kind, engine, moment) or self._answer(engine, 1)

    # ── people and units ──────────────────────────────────────────────────────────────────────────────────

    def _answer(self, engine: EngineView, most: int = ASKS_ALOFT) -> list[Effect]:
        """Send requests of people."""
        name = engine.name
        if name not in self._asks.wanted():
            return []
        most = most if engine.joins else 1
        flights = self._asks.begin(name, most, deterministic=engine.deterministic)
        for flight in flights:
            if (through := self._asks.through(flight.flight)) is not None:
                self._hits.asked(through[0], loaded=through[1])
        return [Fly(name, flight) for flight in flights]

    def _units(self, kind: str, engine: EngineView, moment: Moment) -> list[Effect]:
        """Send what was composed ahead, if it still comes first; else compose, for an engine that is idle."""
        name, flight = engine.name, self._air.next_of(engine.name)
        if not self._takes_units(engine):
            return []
        effects: list[Effect] = []
        if flight is not None:
            best, planned = self._best(kind, engine, moment), self._jobs.get(flight.job)
            if planned is None or best is None or best[0].facts.priority <= planned.facts.priority:
                run = Run(name, self._floor.settings_of(name), moment.unix)
                return self._send(flight, engine, run, careful=self._air.careful(name, moment.monotonic))
            effects = self._air.disband(name)
        return effects + ([] if self._busy(name) else self._compose(kind, engine, moment))

    def _send(self, flight: Flight, engine: EngineView, run: Run, *, careful: bool) -> list[Effect]:
        effects = self._air.send(flight, engine, run, careful=careful)
        if flight.sent and self._pools:
            job = self._jobs[flight.job]
            pool = self._pools.of(job)
            self._hits.sent("" if pool is None else pool.name, job, flight)
        return effects

    def _takes_units(self, engine: EngineView) -> bool:
        """Whether units may fly beside what is in the air: not where they must be computed as they were."""
        if not engine.joins:
            return not self._busy(engine.name)
        return not (engine.deterministic and self._air.aloft(engine.name))

    def _compose(self, kind: str, engine: EngineView, moment: Moment) -> list[Effect]:
        best = self._best(kind, engine, moment)
        return [] if best is None else self._air.begin(best[0], engine, best[1])

    def _best(self, kind: str, engine: EngineView, moment: Moment) -> tuple[Job, Choice] | None:
        """The first job in turn that has something for the engine to fly."""
        name, most = engine.name, engine.places
        careful, shaken = self._air.careful(name, moment.monotonic), self._air.shaken(name)
        if engine.joins and not engine.deterministic:
            room = engine.places + ahead(engine) - self._air.units_aloft(name) - self._asks.aloft(name)
            most = min(most, room)
        for job in moment.jobs if most > 0 else ():
            if job.spec.number in self._jobs and job.spec.kind == kind and serves(engine, job):
                choice = choose(job, engine, most, careful=careful, shaken=shaken)
                if choice is not None:
                    return job, choice
        return None

    def _busy(self, engine: str) -> bool:
        return self._air.aloft(engine) or self._asks.aloft(engine) > 0
