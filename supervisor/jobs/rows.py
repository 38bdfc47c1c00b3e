"""A job as clients see it: what is durable of it, what is going on right now, and how fast it goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ipc.snapshot import JobRow, JobState
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Job, Spec

WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class _Reading:
    at: float
    units: int
    tokens: int


class Meter:
    """How fast a job goes: over the last minute, or, while no unit ended in that, since it was first watched."""

    def __init__(self, monotonic: float, facts: Facts) -> None:
        self._first = _reading(monotonic, facts)
        self._recent = deque((self._first,))

    def read(self, monotonic: float, facts: Facts) -> None:
        """Once a second."""
        self._recent.append(_reading(monotonic, facts))
        while self._recent[0].at < monotonic - WINDOW_SECONDS:
            self._recent.popleft()

    def per_second(self) -> tuple[float | None, float | None]:
        """Units and tokens; None until a unit ended while it was watched."""
        last = self._recent[-1]
        for since in (self._recent[0], self._first):
            seconds = last.at - since.at
            if last.units > since.units and seconds > 0:
                return (last.units - since.units) / seconds, (last.tokens - since.tokens) / seconds
        return None, None


def _reading(monotonic: float, facts: Facts) -> _Reading:
    return _Reading(monotonic, facts.done + facts.failed, facts.tokens)


def row_of(
    spec: Spec, facts: Facts, job: Job | None, engines: Sequence[EngineView], trouble: str, meter: Meter | None
) -> JobRow:
    """The row.

    `facts` are what is stored; `job` is None once its end is decided; `engines` are those it may fly on; `trouble`
    says why nothing can be stored, or is empty.
    """
    state, reason = _state(spec, facts, job, engines, trouble)
    units_rate, tokens_rate = meter.per_second() if meter is not None and state == "running" else (None, None)
    total = facts.planned if facts.all_planned else None
    left = None if total is None else total - facts.done - facts.failed
    return JobRow(
        id=spec.id,
        kind=spec.kind,
        engine=spec.engine or ", ".join(engine.name for engine in engines),
        state=state,
        reason=reason,
        inputs=spec.inputs,
        output=spec.output,
        units_total=total,
        units_done=facts.done,
        units_failed=facts.failed,
        tokens=facts.tokens,
        tokens_per_second=tokens_rate,
        units_per_second=units_rate,
        eta_seconds=left / units_rate if left is not None and units_rate else None,
        submitted_unix=spec.submitted_unix,
        finished_unix=facts.finished_unix,
    )


def _state(
    spec: Spec, facts: Facts, job: Job | None, engines: Sequence[EngineView], trouble: str
) -> tuple[JobState, str]:
    if facts.ending is not None:
        return facts.ending, facts.reason
    if trouble:
        return "held", trouble
    if job is not None and job.hold is not None and not job.flights:
        return "held", job.hold.reason
    if not engines:
        return "held", f"{spec.engine or f'any engine of kind {spec.kind}'} is missing in the configuration"
    if facts.all_ended:
        return "assembling", ""
    if facts.paused:
        return "paused", ""
    if not any(engine.available for engine in engines):
        return "held", engines[0].why_not
    if all(engine.hold or not engine.available for engine in engines) and not (job is not None and job.flights):
        held = next(engine for engine in engines if engine.hold)
        return "held", f"{held.name}: {held.hold.partition(': ')[2]}"
    return ("running" if facts.attempts else "queued"), ""
