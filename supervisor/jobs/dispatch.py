"""Looks over all jobs and engines and sets going whatever can go now. Decides, but does nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from supervisor.jobs.air import Air
from supervisor.jobs.asks import Asks
from supervisor.jobs.book import Book
from supervisor.jobs.effects import Effect, Fly, Happen, Wake
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.job import Job
from supervisor.jobs.line import Line
from supervisor.jobs.replanning import untouched_tail
from supervisor.jobs.runs import Run
from supervisor.jobs.schedule import Choice, ahead, best_to_wake, choose, seconds_left, serves, window
from supervisor.jobs.turns import Need, Turns

ASKS_ALOFT = 256
"""So many requests of people an engine whose flights join is given at once; the others wait for one of them to end."""
Views: TypeAlias = Mapping[str, tuple[EngineView, ...]]
"""The engines of each kind, as they are at one moment."""


@dataclass(frozen=True)
class _Moment:
    """Jobs in turn, with the engines as they are now."""

    views: Views
    jobs: tuple[Job, ...]
    unix: float
    monotonic: float
    yielding: Mapping[str, str] = field(default_factory=dict)

    def serving(self, job: Job) -> tuple[EngineView, ...]:
        """The engines that it may fly on."""
        return tuple(engine for engine in self.views[job.spec.kind] if serves(engine, job))


class Dispatch:
    """Interactive requests before any job, jobs by priority, then first come first served."""

    def __init__(
        self,
        floor: Floor,
        jobs: dict[int, Job],
        line: Line,
        book: Book,
        air: Air,
        asks: Asks,
        patience_seconds: float,
    ) -> None:
        self._floor = floor
        self._jobs = jobs
        self._line = line
        self._book = book
        self._air = air
        self._asks = asks
        self._turns = Turns(patience_seconds)
        self._woken: set[str] = set()
        """Engines that were wanted since the last second: each is asked for once, not after every step it takes."""
        self.yielding: Mapping[str, str] = {}
        """Engines that begin no flight of a job, each with the one that it makes room for."""

    def second(self, monotonic: float) -> list[Effect]:
        """Engines that are still wanted may be asked for again, and those in the way of others may have to yield."""
        self._woken.clear()
        moment = self._look(0.0, monotonic)
        needs, work, loaded = self._needs(moment), self._work(moment), self._loaded(moment)
        before, self.yielding = self.yielding, self._turns.yielding(needs, work, loaded, monotonic)
        return [
            Happen("info", name, "engine-yields", f"{name} begins no further flight: {other} waits for its memory.")
            for name, other in self.yielding.items()
            if before.get(name) != other
        ]

    def serving(self, job: Job) -> tuple[EngineView, ...]:
        """The engines that a job may fly on."""
        return tuple(engine for engine in self._floor.engines_of(job.spec.kind) if serves(engine, job))

    def wanted(self) -> frozenset[str]:
        """Engines that units or interactive requests wait for, without those that make room."""
        waiting = [job for job in self._line.head() if job.waiting and not job.facts.paused]
        serving = {engine.name for job in waiting for engine in self.serving(job)}
        return frozenset(serving - self.yielding.keys() | self._asks.wanted()) | self.flying()

    def flying(self) -> frozenset[str]:
        """Engines with something in the air."""
        return frozenset(self._air.flying() | self._asks.flying())

    def advance(self, unix: float, monotonic: float) -> list[Effect]:
        """Everything that can be set going."""
        moment = self._look(unix, monotonic)
        effects: list[Effect] = []
        for job in moment.jobs:
            effects += self._look_after(job, moment)
        every = [(kind, engine) for kind, engines in moment.views.items() for engine in engines]
        for kind, engine in every:
            effects += self._employ(kind, engine, moment)
        for kind, engine in every:
            effects += self._look_ahead(kind, engine, moment)
        return effects + [Wake(engine) for engine in self._to_wake(moment)]

    # ── the moment ────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, unix: float, monotonic: float) -> _Moment:
        jobs = self._line.head()
        kinds = dict.fromkeys([*(job.spec.kind for job in jobs), *self._asks.kinds()])
        views = {kind: self._floor.engines_of(kind) for kind in kinds}
        return _Moment(views, jobs, unix, monotonic, self.yielding)

    def _needs(self, moment: _Moment) -> Iterable[Need]:
        flying = self.flying()
        for job in moment.jobs:
            engines = moment.serving(job)
            up = any(engine.free or engine.name in flying for engine in engines)
            if job.waiting and not job.facts.paused and not up:
                yield from (
                    Need(engine.name, job.facts.priority, engine.blocked_by)
                    for engine in engines
                    if engine.blocked_by and engine.available
                )

    def _work(self, moment: _Moment) -> dict[str, int]:
        """The highest priority of the jobs that each engine works for or could."""
        highest: dict[str, int] = {}
        for job in moment.jobs:
            if job.waiting or job.flights:
                for engine in moment.serving(job):
                    highest[engine.name] = max(job.facts.priority, highest.get(engine.name, 0))
        return highest

    def _loaded(self, moment: _Moment) -> set[str]:
        """Also while heat holds them."""
        engines = [engine for engines in moment.views.values() for engine in engines]
        hot = {engine.name for engine in engines if engine.hold and not engine.hold.startswith("memory: ")}
        return {engine.name for engine in engines if engine.free} | hot | self.flying()

    # ── what can be set going ─────────────────────────────────────────────────────────────────────────────

    def _look_after(self, job: Job, moment: _Moment) -> list[Effect]:
        """What a job needs besides flights."""
        engines = moment.serving(job)
        effects = self._air.part(job, engines)
        if not engines:
            return effects
        idle = job.errand is None and job.hold is None
        if idle and (tail := untouched_tail(job, engines[0].planning)) is not None:
            return [*effects, *self._air.recompose(job), *self._book.divide_anew(job, tail, window(engines))]
        if not job.facts.all_ended or self._air.judged(job.spec.number):
            effects += self._book.end_if_done(job, moment.unix)
            if job.spec.number in self._jobs:
                effects += self._book.errand(job, window(engines), moment.monotonic)
        return effects

    def _employ(self, kind: str, engine: EngineView, moment: _Moment) -> list[Effect]:
        name = engine.name
        if not engine.available:
            self._asks.refuse(name, engine.why_not)
            self._air.end_trial(name)
        elif engine.hold.startswith("memory: "):  # a person is told at once, while jobs wait
            self._asks.refuse(name, f"{name} is held, {engine.hold.rstrip('.')}")
        if not engine.free:
            return [] if self._busy(name) else self._air.disband(name)
        self._woken.discard(name)
        answers = self._answer(engine)
        if self._busy(name) and not self._lets_join(engine, moment):
            return answers
        if name in moment.yielding:
            return answers + self._air.disband(name)
        if self._air.on_trial(name):
            return answers or self._air.disband(name) + self._air.try_known(engine)
        if answers and not engine.joins:
            return answers
        return answers + self._send_or_compose(kind, engine, moment)

    def _answer(self, engine: EngineView) -> list[Effect]:
        """Send the requests of people that may fly now."""
        name = engine.name
        if name not in self._asks.wanted() or (self._busy(name) and (not engine.joins or self._air.solitary(name))):
            return []
        return [
            Fly(name, ask)
            for ask in self._asks.begin(name, ASKS_ALOFT if engine.joins else 1, deterministic=engine.deterministic)
        ]

    def _lets_join(self, engine: EngineView, moment: _Moment) -> bool:
        """Whether units may join what the busy engine flies: where all are the same to it, and nobody is suspected."""
        return engine.joins and not engine.deterministic and not self._is_suspect(engine.name, moment)

    def _is_suspect(self, engine: str, moment: _Moment) -> bool:
        air = self._air
        return (
            air.on_trial(engine) or air.careful(engine, moment.monotonic) or air.shaken(engine) or air.solitary(engine)
        )

    def _send_or_compose(self, kind: str, engine: EngineView, moment: _Moment) -> list[Effect]:
        name = engine.name
        flight = self._air.next_of(name)
        effects: list[Effect] = []
        if flight is not None:
            best, planned = self._best(kind, engine, moment), self._jobs.get(flight.job)
            if planned is None or best is None or best[0].facts.priority <= planned.facts.priority:
                if self._busy(name) and flight.solitary:
                    return []
                run = Run(name, self._floor.settings_of(name), moment.unix)
                return self._air.send(flight, engine, run, careful=self._air.careful(name, moment.monotonic))
            effects = self._air.disband(name)
        return effects + ([] if self._busy(name) else self._compose(kind, engine, moment))

    def _look_ahead(self, kind: str, engine: EngineView, moment: _Moment) -> list[Effect]:
        """While an engine flies, compose and store what it flies next: the disk's milliseconds cost it nothing then."""
        name = engine.name
        idle = not self._busy(name) or self._air.next_of(name) is not None
        if idle or name in moment.yielding or self._is_suspect(name, moment):
            return []
        return self._compose(kind, engine, moment)

    def _compose(self, kind: str, engine: EngineView, moment: _Moment) -> list[Effect]:
        best = self._best(kind, engine, moment)
        return [] if best is None else self._air.begin(best[0], engine, best[1])

    def _best(self, kind: str, engine: EngineView, moment: _Moment) -> tuple[Job, Choice] | None:
        """The first job in turn that has something for the engine to fly."""
        name, busy = engine.name, self._busy(engine.name)
        careful, shaken = self._air.careful(name, moment.monotonic), self._air.shaken(name)
        most = engine.parallel
        if busy and engine.joins and not engine.deterministic:
            most = min(most, engine.parallel + ahead(engine) - self._air.units_aloft(name))
        for job in moment.jobs if most > 0 else ():
            if job.spec.number in self._jobs and job.spec.kind == kind and serves(engine, job):
                choice = choose(job, engine, most, careful=careful, shaken=shaken)
                if choice is not None:
                    return job, choice
        return None

    def _busy(self, engine: str) -> bool:
        return self._air.aloft(engine) or engine in self._asks.flying()

    def _to_wake(self, moment: _Moment) -> list[str]:
        flying = self.flying()
        wanted = self._asks.wanted() | self._air.tried()
        for job in moment.jobs:
            if job.waiting and not job.facts.paused and job.spec.number in self._jobs:
                wanted.update(best_to_wake(moment.serving(job), flying, seconds_left(job)))
        new = sorted(wanted - flying - self._woken - moment.yielding.keys())
        self._woken.update(new)
        return new
