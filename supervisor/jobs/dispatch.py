"""Looks over all jobs and engines and sets going whatever can go now. Decides, but does nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from supervisor.jobs.air import Air
from supervisor.jobs.asks import Asks
from supervisor.jobs.book import Book
from supervisor.jobs.effects import Effect, Happen, Wake
from supervisor.jobs.employment import Employment, Moment
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.hits import Hits
from supervisor.jobs.job import Job
from supervisor.jobs.line import Line
from supervisor.jobs.replanning import untouched_tail
from supervisor.jobs.routes import Pools, awaited, crews, serving, stock
from supervisor.jobs.schedule import best_to_wake, seconds_left, window
from supervisor.jobs.turns import Need, Turns


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
        pools: Pools,
    ) -> None:
        self._floor = floor
        self._jobs = jobs
        self._line = line
        self._book = book
        self._air = air
        self._asks = asks
        self._pools = pools
        self.hits = Hits()
        self._employment = Employment(floor, jobs, air, asks, pools, self.hits)
        self._turns = Turns(patience_seconds)
        self._woken: set[str] = set()
        """Engines that were wanted since the last second: each is asked for once, not after every step it takes."""
        self.yielding: Mapping[str, str] = {}
        """Engines that begin no flight of a job, each with the one that it makes room for."""

    def second(self, monotonic: float) -> list[Effect]:
        """Engines that are still wanted may be asked for again, and those in the way of others may have to yield."""
        self._woken.clear()
        moment = self._look(0.0, monotonic)
        if self._pools:
            self.hits.settle(self._loaded(moment) - self.wanted())
        needs, work, loaded = self._needs(moment), self._work(moment), self._loaded(moment)
        before, self.yielding = self.yielding, self._turns.yielding(needs, work, loaded, monotonic)
        return [
            Happen("info", name, "engine-yields", f"{name} begins no further flight: {other} waits for its memory.")
            for name, other in self.yielding.items()
            if before.get(name) != other
        ]

    def serving(self, job: Job) -> tuple[EngineView, ...]:
        """The engines that a job may fly on."""
        engines = self._floor.engines_of(job.spec.kind)
        self._pools.lay(job, engines)
        return serving(job, engines)

    def awaited(self, job: Job) -> tuple[EngineView, ...]:
        """Of those, the ones that its waiting units may fly on; all where none waits."""
        return awaited(job, self.serving(job))

    def wanted(self) -> frozenset[str]:
        """Engines that units or interactive requests wait for, without those that make room."""
        waiting = [job for job in self._line.head() if job.waiting and not job.facts.paused]
        needed = {engine.name for job in waiting for engine in self.awaited(job)}
        return frozenset(needed - self.yielding.keys() | self._asks.wanted()) | self.flying()

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
            if engine.free:
                self._woken.discard(engine.name)
            effects += self._employment.employ(kind, engine, moment)
        for kind, engine in every:
            effects += self._employment.look_ahead(kind, engine, moment)
        effects += [Wake(engine) for engine in self._to_wake(moment)]
        self._line.turn()
        return effects

    # ── the moment ────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, unix: float, monotonic: float) -> Moment:
        jobs = self._line.head()
        kinds = dict.fromkeys([*(job.spec.kind for job in jobs), *self._asks.kinds()])
        views = {kind: self._floor.engines_of(kind) for kind in kinds}
        for job in jobs if self._pools else ():
            self._pools.lay(job, views[job.spec.kind])
        return Moment(views, jobs, unix, monotonic, self.yielding)

    def _needs(self, moment: Moment) -> Iterable[Need]:
        flying = self.flying()
        for job in moment.jobs:
            for crew, _ in () if job.facts.paused else crews(job, moment.serving(job)):
                if not any(engine.free or engine.name in flying for engine in crew):
                    yield from (
                        Need(engine.name, job.facts.priority, engine.blocked_by)
                        for engine in crew
                        if engine.blocked_by and engine.available
                    )

    def _work(self, moment: Moment) -> dict[str, int]:
        """The highest priority of the jobs that each engine works for or could."""
        highest: dict[str, int] = {}
        for job in moment.jobs:
            if job.waiting or job.flights:
                could = {engine.name for engine in awaited(job, moment.serving(job))}
                for name in could.union(flight.engine for flight in job.flights.values()):
                    highest[name] = max(job.facts.priority, highest.get(name, 0))
        return highest

    def _loaded(self, moment: Moment) -> set[str]:
        """Also while heat holds them."""
        engines = [engine for engines in moment.views.values() for engine in engines]
        hot = {engine.name for engine in engines if engine.hold and not engine.hold.startswith("memory: ")}
        return {engine.name for engine in engines if engine.free} | hot | self.flying()

    # ── what can be set going ─────────────────────────────────────────────────────────────────────────────

    def _look_after(self, job: Job, moment: Moment) -> list[Effect]:
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
                effects += self._book.errand(job, window(engines), stock(job, engines), moment.monotonic)
        return effects

    def _to_wake(self, moment: Moment) -> list[str]:
        flying = self.flying()
        wanted = self._asks.wanted() | self._air.tried()
        for job in moment.jobs:
            if job.waiting and not job.facts.paused and job.spec.number in self._jobs:
                for crew, share in crews(job, moment.serving(job)):
                    wanted.update(best_to_wake(crew, flying, share * seconds_left(job)))
        new = sorted(wanted - flying - self._woken - moment.yielding.keys())
        self._woken.update(new)
        self._note_loads(new, moment)
        return new

    def _note_loads(self, woken: list[str], moment: Moment) -> None:
        if self._pools and woken:
            loaded = {engine.name for engines in moment.views.values() for engine in engines if engine.loaded}
            for name in woken:
                if name not in loaded:
                    self.hits.awaited(name)
