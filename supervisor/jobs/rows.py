"""A job as clients see it: what is durable of it, what is going on right now, and how fast it goes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ipc.snapshot import JobRow, JobState
from supervisor.jobs.eta import Meter
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Job, Spec
from supervisor.jobs.routes import is_full
from supervisor.jobs.schedule import units_expected

INPUTS_NAMED = 5
"""A row names so many of a job's inputs: rows travel often, and a job may have 100,000."""


@dataclass(frozen=True)
class About:
    """What a row says besides what is stored."""

    engines: Sequence[EngineView] = ()
    """Those that what waits of the job may fly on."""
    after: tuple[str, ...] = ()
    """Ids of the jobs that must end well before it."""
    waits_for: str = ""
    """The first of them that has not, or empty."""
    ended_badly: str = ""
    """How that one ended, if it did: then waiting helps only once somebody has done something."""
    trouble: str = ""
    """Why nothing can be stored just now."""
    yielding: Mapping[str, str] = field(default_factory=dict)
    """Engines that begin no flight, with the one each makes room for."""
    holding_back: Collection[str] = ()
    """Engines that have just died with several units at work, and begin no others together."""
    pool: str = ""
    """The pool that it goes through, or empty."""


def row_of(spec: Spec, facts: Facts, job: Job | None, about: About, meter: Meter | None) -> JobRow:
    """The row. `facts` are what is stored; `job` is None once its end is decided."""
    state, reason = _state(facts, job, about)
    running = meter is not None and state == "running"
    units_rate, tokens_rate = meter.per_second() if meter is not None and running else (None, None)
    total = facts.planned if facts.all_planned else None
    expected = None if job is None or total is not None else units_expected(job)
    whole = total if total is not None else expected
    left = None if whole is None else whole - facts.done - facts.failed
    eta = meter.eta(left) if meter is not None and running and left is not None else None
    return JobRow(
        id=spec.id,
        kind=spec.kind,
        engine=facts.engine or about.pool or ", ".join(engine.name for engine in about.engines),
        state=state,
        reason=reason,
        inputs=spec.inputs[:INPUTS_NAMED],
        output=spec.output,
        units_total=total,
        units_done=facts.done,
        units_failed=facts.failed,
        tokens=facts.tokens,
        tokens_per_second=tokens_rate,
        units_per_second=units_rate,
        eta_seconds=None if eta is None else eta.seconds,
        submitted_unix=spec.submitted_unix,
        finished_unix=facts.finished_unix,
        units_expected=expected,
        eta_spread_seconds=None if eta is None else eta.spread_seconds,
        priority=facts.priority,
        after=about.after,
        units_flying=0 if job is None else sum(len(flight.open) for flight in job.flights.values() if flight.sent),
        audio_seconds=facts.audio_seconds,
        rtf=facts.work_seconds / facts.audio_seconds if facts.audio_seconds and facts.work_seconds else None,
        joules=facts.joules,
        result_bytes=facts.result_bytes,
        more_inputs=max(0, len(spec.inputs) - INPUTS_NAMED),
        confidence=facts.confidence,
    )


def _state(facts: Facts, job: Job | None, about: About) -> tuple[JobState, str]:
    engines = about.engines
    flying = job is not None and bool(job.flights)
    if facts.ending is not None:
        return facts.ending, facts.reason
    if about.trouble:
        return "held", about.trouble
    if job is not None and job.hold is not None and not flying:
        return "held", job.hold.reason
    if not engines:
        return "held", f"{facts.engine or 'any engine of its kind'} is missing in the configuration"
    if about.waits_for and about.ended_badly:
        return "held", f"after {about.waits_for}, which {about.ended_badly}: retry that, or release this"
    if about.waits_for:
        return "queued", f"after {about.waits_for}"
    if facts.all_ended:
        return "assembling", ""
    if facts.paused:
        return "paused", ""
    if flying:
        return "running", ""
    if not any(engine.available for engine in engines):
        return "held", f"{engines[0].why_not}{_unread(job)}"
    if all(engine.hold or not engine.available for engine in engines):
        held = next(engine for engine in engines if engine.hold)
        return "held", f"{held.name}: {held.hold.partition(': ')[2]}{_unread(job)}"
    making_room = [engine.name for engine in engines if engine.name in about.yielding]
    if len(making_room) == len(engines):
        return "held", f"{making_room[0]} makes room for {about.yielding[making_room[0]]}"
    if all(engine.name in about.holding_back for engine in engines):
        return "held", f"{engines[0].name} just died: no new units begin for a while"
    return ("running" if facts.attempts else "queued"), ""


def _unread(job: Job | None) -> str:
    """That what others could do is not read, where that is so."""
    if job is None or job.facts.all_planned or not is_full(job):
        return ""
    return f"; what comes after its {len(job.free):,} waiting units is read once these go on"
