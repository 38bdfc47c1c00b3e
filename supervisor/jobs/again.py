"""Units that the operator wants done again: those that were set aside, and finished ones that did not please. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from supervisor.jobs import changes
from supervisor.jobs.effects import Effect, noted
from supervisor.jobs.job import Facts, Job, Measured, Unit

_ROUNDING_SECONDS = 1e-6
"""What sums of seconds may be off when all that was added was taken away again."""


def retry(job: Job, units: Iterable[Unit]) -> list[Effect]:
    """Units that failed or were quarantined wait again, with nothing held against them."""
    units = tuple(units)
    return _wait_again(
        job, units, [changes.UnitForgiven(job.spec.number, unit.index) for unit in units], failed=-len(units)
    )


def redo(job: Job, units: Iterable[Unit]) -> list[Effect]:
    """Finished units wait again for another take, each with what was measured of it as `former`; their results stay
    until then."""
    units = tuple(units)
    facts = job.facts
    for unit in units:
        unit.take += 1
        if unit.former is not None:
            job.facts = uncounted(job.facts, unit.former)
    recalled = [changes.UnitRecalled(job.spec.number, unit.index, unit.take) for unit in units]
    assert job.facts.done == facts.done - len(units), "only finished units are done again"
    return _wait_again(job, units, recalled, failed=0)


def counted(facts: Facts, measured: Measured) -> Facts:
    """With one more unit done."""
    audio, (sure, confidence) = measured.audio_seconds, _confidence(measured)
    return msgspec.structs.replace(
        facts,
        done=facts.done + 1,
        tokens=facts.tokens + measured.tokens,
        seconds=facts.seconds + measured.seconds,
        audio_seconds=facts.audio_seconds if audio is None else (facts.audio_seconds or 0.0) + audio,
        sure_seconds=facts.sure_seconds + sure,
        confidence_seconds=facts.confidence_seconds + confidence,
        result_bytes=facts.result_bytes + measured.result_bytes,
    )


def uncounted(facts: Facts, measured: Measured) -> Facts:
    """As if that unit had not been done."""
    audio, (sure, confidence) = measured.audio_seconds, _confidence(measured)
    left = facts.sure_seconds - sure
    return msgspec.structs.replace(
        facts,
        done=facts.done - 1,
        tokens=facts.tokens - measured.tokens,
        seconds=max(0.0, facts.seconds - measured.seconds),
        audio_seconds=facts.audio_seconds if audio is None else max(0.0, (facts.audio_seconds or 0.0) - audio),
        sure_seconds=left if left > _ROUNDING_SECONDS else 0.0,
        confidence_seconds=facts.confidence_seconds - confidence if left > _ROUNDING_SECONDS else 0.0,
        result_bytes=facts.result_bytes - measured.result_bytes,
    )


def _confidence(measured: Measured) -> tuple[float, float]:
    """What one unit adds to `sure_seconds` and `confidence_seconds`."""
    if measured.confidence is None:
        return 0.0, 0.0
    seconds = 1.0 if measured.audio_seconds is None else measured.audio_seconds
    return seconds, measured.confidence * seconds


def _wait_again(job: Job, units: tuple[Unit, ...], what: Iterable[changes.Change], *, failed: int) -> list[Effect]:
    companions = _companions(job)
    for unit in units:
        member = companions.get(unit.index)
        if member is None:
            job.put_back((unit,))
        else:  # it flies again in its company, which must stay as it is
            member.ended, member.alone, member.deaths, member.former = False, False, 0, unit.former
            member.take = unit.take
    job.hold = None
    outputs = sorted({job.spec.output_of(unit.source) for unit in units})
    spoiled = [changes.OutputNoted(job.spec.number, number, job.spoil(number)) for number in outputs]
    job.facts = msgspec.structs.replace(job.facts, failed=job.facts.failed + failed, placing=None)
    return [noted(job, *what, *spoiled)]


def _companions(job: Job) -> dict[int, Unit]:
    """Units in companies that will fly again as they were, or are flying so, by index."""
    flying = [flight.units for flight in job.flights.values() if flight.deterministic]
    waiting = [formation.units for formation in job.formations]
    return {unit.index: unit for units in (*flying, *waiting) for unit in units}
