"""Which units fly next on a free engine. Pure.

Within a job: companies that must fly again as they were, then suspects, each alone, then the rest in their order;
only right after a suspect's death the rest goes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Formation, Job, Spec, Unit

FLIGHT_BYTES = 8 * 1024 * 1024
"""No flight carries more payload, so that it always fits one message."""
LEAST_WINDOW = 256
"""So many units are planned ahead: the total of most jobs is known at once, and with it the progress."""


@dataclass(frozen=True)
class Choice:
    """Units to fly together; `formation` where they flew together before."""

    units: tuple[Unit, ...]
    formation: Formation | None = None


def serves(engine: EngineView, spec: Spec) -> bool:
    """Whether a job may fly on this engine of its kind."""
    return spec.engine in ("", engine.name)


def window(engines: Iterable[EngineView]) -> int:
    """How many planned units should wait for these engines: enough that none waits for the desk."""
    return max(LEAST_WINDOW, 2 * sum(engine.parallel for engine in engines))


def choose(job: Job, engine: EngineView, *, careful: bool, shaken: bool) -> Choice | None:
    """What of `job` flies next on `engine`; None where nothing can just now.

    `careful`: the engine has just died with several units at work, so none gets company that it did not have before.
    `shaken`: it has just died of a unit alone, so a bystander goes before the next suspect.
    """
    if job.facts.paused:
        return None
    for formation in job.formations:
        if fits(formation, engine) and not (careful and len(formation.units) > 1 and not formation.crashes):
            return Choice(formation.units, formation)
    waiting = sorted(job.free.values(), key=lambda unit: unit.index)
    suspect = next(((unit,) for unit in waiting if unit.alone), ())
    bystanders = _together(job, [unit for unit in waiting if not unit.alone], engine, careful=careful)
    units = (bystanders or suspect) if shaken else (suspect or bystanders)
    return Choice(units) if units else None


def _together(job: Job, waiting: list[Unit], engine: EngineView, *, careful: bool) -> tuple[Unit, ...]:
    if not engine.deterministic:
        return company(waiting, 1 if careful else engine.parallel)
    if careful and engine.parallel > 1:
        return ()
    units = company(waiting, engine.parallel)
    # The same company must form whatever the timing, so it waits for the desk to plan it whole.
    whole = len(units) == engine.parallel or len(units) < len(waiting) or job.facts.all_planned
    return units if whole else ()


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


def fits(formation: Formation, engine: EngineView) -> bool:
    """Whether the engine can fly this company and promises to do it as before."""
    return engine.deterministic and len(formation.units) <= engine.parallel


def best_to_wake(engines: Iterable[EngineView], flying: Iterable[str]) -> tuple[str, ...]:
    """The engines to ask for waiting units: none while one of them is up, else the first that nothing holds.

    Where all are held, all are asked: whoever finds room first flies.
    """
    engines, up = tuple(engines), set(flying)
    if any(engine.free or engine.name in up for engine in engines):
        return ()
    able = [engine.name for engine in engines if engine.available]
    unheld = [engine.name for engine in engines if engine.available and not engine.hold]
    return tuple(unheld[:1] or able)
