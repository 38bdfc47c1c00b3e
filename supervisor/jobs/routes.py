"""Which engines a job's units may fly on: those of its name, or those that its pool's route says for each. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from config.pools import Pool
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Job, Unit

STOCK = 4
MOST_WAITING = 2**14
"""No more units of a job through a pool wait in memory, however many of them an engine that cannot be had should do."""


class Pools:
    """The pools of the configuration, and who goes through which."""

    def __init__(self, pools: Iterable[Pool] = ()) -> None:
        self._named = {pool.name: pool for pool in pools}
        several = Counter(pool.kind for pool in self._named.values())
        self._sole = {pool.kind: pool for pool in self._named.values() if several[pool.kind] == 1}

    def __bool__(self) -> bool:
        return bool(self._named)

    def named(self, name: str) -> Pool | None:
        """The pool of that name."""
        return self._named.get(name)

    def names(self, kind: str) -> tuple[str, ...]:
        """The pools of a kind."""
        return tuple(pool.name for pool in self._named.values() if pool.kind == kind)

    def of(self, job: Job) -> Pool | None:
        """The one that the job goes through; None for one of a single engine, or of any."""
        return self.meant(job.facts.engine, job.spec.kind)

    def meant(self, name: str, kind: str) -> Pool | None:
        """The pool of that kind that has the name; the only one of the kind where the name is empty."""
        pool = self._named.get(name) if name else self._sole.get(kind)
        return pool if pool is not None and pool.kind == kind else None

    def lay(self, job: Job, engines: Iterable[EngineView]) -> None:
        """Have the job follow the route of its pool for its language, as `engines` of its kind are now."""
        pool = self.of(job)
        if pool is None:
            job.follow(None)
        elif pool.languages:
            own = job.spec.own.get("language")
            job.follow(pool.route_for(_language(pool, engines) if own is None else str(own)))
        else:
            job.follow(pool.route)


def serving(job: Job, engines: Iterable[EngineView]) -> tuple[EngineView, ...]:
    """Those of the kind's engines that the job may fly on: in the order of its route, if it has one."""
    if job.route is None:
        return tuple(engine for engine in engines if serves(engine, job))
    known = {engine.name: engine for engine in engines}
    return tuple(known[name] for name in job.route.engines if name in known)


def serves(engine: EngineView, job: Job) -> bool:
    """Whether some unit of the job may fly on this engine of its kind."""
    if job.route is not None:
        return engine.name in job.route.stages_of
    return job.facts.engine in ("", engine.name)


def suits(engine: EngineView, job: Job, units: Iterable[Unit]) -> bool:
    """Whether each of these units of the job may fly on an engine that serves it."""
    route = job.route
    if route is None:
        return True
    stages = route.stages_of.get(engine.name, ())
    return all(route.stage_of(unit.extent) in stages for unit in units)


def lanes(engine: EngineView, job: Job) -> Iterator[Collection[Unit]]:
    """What waits for this engine; one lot for each stage of a route that it works in, none of them empty."""
    if job.route is None:
        if job.free:
            yield job.free.values()
        return
    for stage in job.route.stages_of.get(engine.name, ()):
        if job.lanes[stage]:
            yield job.lanes[stage].values()


def stock(job: Job, engines: Iterable[EngineView]) -> int:
    """How many units of the job wait, as far as reading ahead for these engines goes.

    What waits for a stage that no engine can do just now does not count, as long as memory allows. While a stage that
    one can do has less than that one does at once, the others may have `STOCK` times as many, because what it could do
    may come right after them.
    """
    if job.route is None or is_full(job):
        return len(job.free)
    able = {engine.name: engine.places for engine in engines if engine.available and not engine.hold}
    lots: list[int] = []
    short = False
    for stage, lane in zip(job.route.stages, job.lanes, strict=True):
        places = max((able[name] for name in stage.engines if name in able), default=0)
        if places:
            lots.append(len(lane))
            short = short or len(lane) < places
    waiting = sum(lots) if lots else len(job.free)
    return waiting // STOCK if short else waiting


def is_full(job: Job) -> bool:
    """Whether so much of a job through a pool waits that no more is read, whoever could do it."""
    return job.route is not None and len(job.free) >= MOST_WAITING


def crews(job: Job, engines: Iterable[EngineView]) -> list[tuple[tuple[EngineView, ...], float]]:
    """Of the engines that serve it, those that its waiting units may fly on, with the share of these units.

    One crew, or one for each stage of its route that a unit waits for.
    """
    if not job.waiting:
        return []
    engines = tuple(engines)
    if job.route is None:
        return [(engines, 1.0)]
    waiting = Counter({stage: len(lane) for stage, lane in enumerate(job.lanes) if lane})
    waiting.update(job.route.stage_of(one.units[0].extent) for one in job.formations)
    whole = waiting.total()
    return [
        (tuple(engine for engine in engines if engine.name in job.route.stages[stage].engines), count / whole)
        for stage, count in sorted(waiting.items())
    ]


def awaited(job: Job, engines: Iterable[EngineView]) -> tuple[EngineView, ...]:
    """Of the engines that serve it, those that its waiting units may fly on; all where none waits."""
    engines = tuple(engines)
    if job.route is None or not job.waiting:
        return engines
    names = {engine.name for crew, _ in crews(job, engines) for engine in crew}
    return tuple(engine for engine in engines if engine.name in names)


def answering(pool: Pool, engines: Iterable[EngineView]) -> EngineView | None:
    """Who answers a request to a pool: the first of its route that is ready, else that is loaded, else that can be had.

    None where none of them is there.
    """
    known = {engine.name: engine for engine in engines}
    route = pool.route_for(_language(pool, known.values()))
    members = [known[name] for name in route.engines if name in known]
    for fits in (_is_ready, _is_loaded, _can_be_had):
        if (found := next(filter(fits, members), None)) is not None:
            return found
    return members[0] if members else None


def _is_ready(engine: EngineView) -> bool:
    return engine.free


def _is_loaded(engine: EngineView) -> bool:
    return engine.loaded and engine.available and not engine.hold


def _can_be_had(engine: EngineView) -> bool:
    return engine.available


def _language(pool: Pool, engines: Iterable[EngineView]) -> str:
    """What the first engine of the route is set to; empty where that is left open."""
    first = pool.route.engines[0]
    return next((engine.language for engine in engines if engine.name == first), "")
