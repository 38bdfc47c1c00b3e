"""Which units fly next on a free engine, and which engines to wake for them. Pure.

Jobs take turns by priority, then first come first served. Within a job: companies that must fly again as they were,
then suspects, each alone, then the rest in their order; only right after a suspect's death the rest goes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Flight, Formation, Job, Unit
from supervisor.jobs.routes import lanes, serves, suits

FLIGHT_BYTES = 8 * 1024 * 1024
"""No flight carries more payload, so that it always fits one message."""
LEAST_WINDOW = 256
"""So many units are planned ahead, so that none waits for the desk."""
COMPANY_INPUTS = 64
"""Where recordings go different ways, units that must be computed together come from so many inputs after the first."""
WORTH = 2.0
"""Another engine is loaded for a job only if those that are up would work this many times as long as its load takes."""
LOAD_SECONDS = 5.0
"""How long a load takes where none was measured, of the engine or of one like it."""
START_SECONDS = 1.0
"""What a process and its self-test take besides."""


@dataclass(frozen=True)
class Choice:
    """Units to fly together; `formation` where they flew together before."""

    units: tuple[Unit, ...]
    formation: Formation | None = None


def window(engines: Iterable[EngineView]) -> int:
    """How many planned units should wait for these engines: enough that none waits for the desk."""
    return max(LEAST_WINDOW, 2 * sum(engine.places for engine in engines))


def ahead(engine: EngineView) -> int:
    """How many units are sent to an engine whose flights join, beside those that it computes: enough that no place in
    it stays empty while the next flight is stored and sent."""
    return max(2, engine.places // 2)


def choose(job: Job, engine: EngineView, most: int, *, careful: bool, shaken: bool) -> Choice | None:
    """What of `job` flies next on `engine`, up to `most` units; None where nothing can just now.

    `careful`: the engine has just died with several units at work, so none gets company that it did not have before.
    `shaken`: it has just died of a unit alone, so a bystander goes before the next suspect.
    """
    if job.facts.paused:
        return None
    for formation in job.formations:
        if fits(job, formation, engine) and not (careful and len(formation.units) > 1 and not formation.crashes):
            return Choice(formation.units, formation)
    for lane in lanes(engine, job):
        waiting = sorted(lane, key=lambda unit: unit.index)
        suspect = next(((unit,) for unit in waiting if unit.alone), ())
        bystanders = _together(job, [unit for unit in waiting if not unit.alone], engine, most, careful=careful)
        units = (bystanders or suspect) if shaken else (suspect or bystanders)
        if units:
            return Choice(units)
    return None


def _together(job: Job, waiting: list[Unit], engine: EngineView, most: int, *, careful: bool) -> tuple[Unit, ...]:
    if not engine.deterministic:
        return company(waiting, 1 if careful else most)
    if holds_back(engine, careful=careful):
        return ()
    # The same company must form whatever the timing, so it waits for the desk to plan it whole.
    near, planned = waiting, job.facts.all_planned
    if waiting and len(job.lanes) > 1:  # the next one for this stage may be far away
        last = waiting[0].source + COMPANY_INPUTS
        near, planned = [unit for unit in waiting if unit.source <= last], planned or job.facts.source > last
    units = company(near, engine.places)
    return units if planned or len(units) == engine.places or len(units) < len(waiting) else ()


def holds_back(engine: EngineView, *, careful: bool) -> bool:
    """Whether nothing that did not fly before begins on it: for deterministic work must not go in smaller company."""
    return careful and engine.deterministic and engine.places > 1


def company(waiting: Iterable[Unit], most: int) -> tuple[Unit, ...]:
    """The first up to `most` units whose payloads fit one flight together; at least one, if there is one."""
    units: list[Unit] = []
    size = 0
    for unit in waiting:
        size += len(unit.payload.encode())
        if units and (len(units) == most or size > FLIGHT_BYTES):
            break
        units.append(unit)
    return tuple(units)


def fits(job: Job, formation: Formation, engine: EngineView) -> bool:
    """Whether the engine can fly this company of the job's units and promises to do it as before."""
    whole = engine.deterministic and engine.carries(len(formation.units))
    return whole and suits(engine, job, formation.units)


def still_fits(flight: Flight, job: Job, engine: EngineView, *, careful: bool) -> bool:
    """Whether a flight may still be sent: since it was composed, settings may have changed, the job moved, or the
    engine died of several units."""
    if not serves(engine, job) or not suits(engine, job, flight.open):
        return False
    if flight.deterministic != engine.deterministic or not engine.carries(len(flight.units)):
        return False
    return not careful or len(flight.units) == 1 or flight.crashes > 0


def best_to_wake(engines: Iterable[EngineView], flying: Collection[str], seconds_left: float) -> tuple[str, ...]:
    """The engines to ask for the waiting units of a job, of those that these units may fly on.

    While none of them is up, the first that nothing holds; where all are held, all are asked: whoever finds room first
    flies. While some are up, one more, if with them alone the job would take much longer than its load.
    `seconds_left` is how long one engine that does one unit at a time would work on it; 0 where nobody knows yet.
    """
    engines = tuple(engines)
    up = [engine for engine in engines if engine.free or engine.name in flying]
    able = [engine for engine in engines if engine.available and engine not in up]
    unheld = [engine for engine in able if not engine.hold]
    if not up:
        return tuple(engine.name for engine in unheld[:1] or able)
    alone = seconds_left / sum(engine.places for engine in up)
    helpers = [engine for engine in unheld or able if alone > WORTH * (START_SECONDS + _load_seconds(engine, up))]
    return tuple(engine.name for engine in helpers[:1])


def _load_seconds(engine: EngineView, others: Iterable[EngineView]) -> float:
    """As measured; else as long as the slowest of the others took."""
    if engine.load_seconds is not None:
        return engine.load_seconds
    return max((other.load_seconds for other in others if other.load_seconds is not None), default=LOAD_SECONDS)


def seconds_left(job: Job) -> float:
    """How long one engine that does one unit at a time would still work on what is planned; 0 before a unit is done."""
    facts = job.facts
    if not facts.done:
        return 0.0
    expected = units_expected(job) or facts.planned
    return (expected - facts.done - facts.failed) * facts.seconds / facts.done


def units_expected(job: Job) -> int | None:
    """Units of all inputs, if those not read yet are like those that were; None before enough was read to tell."""
    facts = job.facts
    read = facts.source + (facts.share or 0.0)
    if facts.all_planned or not facts.planned or not read:
        return facts.planned if facts.all_planned else None
    return max(facts.planned, round(facts.planned * len(job.spec.inputs) / read))
