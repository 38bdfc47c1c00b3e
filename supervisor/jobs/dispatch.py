"""Looks over all jobs and engines and sets going whatever can go now. Decides, but does nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from supervisor.jobs.air import Air
from supervisor.jobs.asks import Asks
from supervisor.jobs.book import Book
from supervisor.jobs.effects import Effect, Fly, Wake
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.job import Job, Spec
from supervisor.jobs.schedule import best_to_wake, choose, serves, window

Views: TypeAlias = Mapping[str, tuple[EngineView, ...]]
"""The engines of each kind, as they are at one moment."""


class Dispatch:
    """Jobs first come first served; interactive requests before any of them."""

    def __init__(self, floor: Floor, jobs: dict[int, Job], book: Book, air: Air, asks: Asks) -> None:
        self._floor = floor
        self._jobs = jobs
        self._book = book
        self._air = air
        self._asks = asks
        self._woken: set[str] = set()
        """Engines that were wanted since the last second: each is asked for once, not after every step it takes."""

    def second(self) -> None:
        """Engines that are still wanted may be asked for again."""
        self._woken.clear()

    def serving(self, spec: Spec) -> tuple[EngineView, ...]:
        """The engines that a job may fly on."""
        return tuple(engine for engine in self._floor.engines_of(spec.kind) if serves(engine, spec))

    def wanted(self) -> frozenset[str]:
        """Engines that units or interactive requests wait for."""
        waiting = [job for job in self._jobs.values() if job.waiting and not job.facts.paused]
        serving = {engine.name for job in waiting for engine in self.serving(job.spec)}
        return frozenset(serving | self._asks.wanted() | self._flying())

    def advance(self, unix: float, monotonic: float) -> list[Effect]:
        """Everything that can be set going."""
        kinds = dict.fromkeys([*(job.spec.kind for job in self._jobs.values()), *self._asks.kinds()])
        views = {kind: self._floor.engines_of(kind) for kind in kinds}
        effects: list[Effect] = []
        for job in list(self._jobs.values()):
            engines = _serving(views, job)
            effects += self._air.part(job, engines)
            if engines and (not job.facts.all_ended or self._air.judged(job.spec.number)):
                effects += self._book.errand(job, window(engines), unix, monotonic)
        every = [(kind, engine) for kind in kinds for engine in views[kind]]
        for kind, engine in every:
            effects += self._employ(kind, engine, monotonic)
        for kind, engine in every:
            effects += self._look_ahead(kind, engine, monotonic)
        return effects + [Wake(engine) for engine in self._to_wake(views)]

    def _employ(self, kind: str, engine: EngineView, monotonic: float) -> list[Effect]:
        name = engine.name
        if not engine.available:
            self._asks.refuse(name, engine.why_not)
        elif engine.hold.startswith("memory: "):  # a person is told at once, while jobs wait
            self._asks.refuse(name, f"{name} is held, {engine.hold.rstrip('.')}")
        if self._busy(name):
            return []
        if not engine.free:
            return self._air.disband(name)
        self._woken.discard(name)
        if name in self._asks.wanted():
            return [Fly(name, self._asks.begin(name, deterministic=engine.deterministic))]
        if self._air.on_trial(name):
            return self._air.disband(name) + self._air.try_known(engine)
        waiting = self._air.next_of(name)
        if waiting is not None:
            return self._air.send(waiting, engine, careful=self._air.careful(name, monotonic))
        return self._compose(kind, engine, monotonic)

    def _look_ahead(self, kind: str, engine: EngineView, monotonic: float) -> list[Effect]:
        """While an engine flies, compose and store what it flies next: the disk's milliseconds cost it nothing then."""
        name = engine.name
        suspicious = self._air.on_trial(name) or self._air.careful(name, monotonic) or self._air.shaken(name)
        if suspicious or not self._busy(name) or self._air.next_of(name) is not None:
            return []
        return self._compose(kind, engine, monotonic)

    def _compose(self, kind: str, engine: EngineView, monotonic: float) -> list[Effect]:
        name = engine.name
        careful, shaken = self._air.careful(name, monotonic), self._air.shaken(name)
        for job in self._jobs.values():
            if job.spec.kind == kind and serves(engine, job.spec):
                choice = choose(job, engine, careful=careful, shaken=shaken)
                if choice is not None:
                    return self._air.begin(job, engine, choice)
        return []

    def _busy(self, engine: str) -> bool:
        return self._air.aloft(engine) or engine in self._asks.flying()

    def _flying(self) -> set[str]:
        return self._air.flying() | self._asks.flying()

    def _to_wake(self, views: Views) -> list[str]:
        flying = self._flying()
        wanted = self._asks.wanted() | self._air.tried()
        for job in self._jobs.values():
            if job.waiting and not job.facts.paused:
                wanted.update(best_to_wake(_serving(views, job), flying))
        new = sorted(wanted - flying - self._woken)
        self._woken.update(new)
        return new


def _serving(views: Views, job: Job) -> tuple[EngineView, ...]:
    return tuple(engine for engine in views[job.spec.kind] if serves(engine, job.spec))
