"""The book of unfinished jobs: what happens to them goes in, what to do about it comes out. No I/O, no clock.

Decisions are made at once, in memory; what they change is handed to the store in the same order, and nobody is told,
and no flight is sent, before it is stored. So what was told survives any crash, and what was not told was no promise.
Flights are `supervisor.jobs.air`'s, what the operator changes about units `supervisor.jobs.again`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from ipc.errors import Problem
from ipc.snapshot import Scalar, Severity
from ipc.work import Planned, SourceProblem
from supervisor.jobs import changes
from supervisor.jobs.effects import (
    Assemble,
    Effect,
    Happen,
    Later,
    Place,
    Plan,
    Recall,
    RunHook,
    Save,
    Tidy,
    noted,
)
from supervisor.jobs.job import Ending, Errand, Facts, Found, Hold, Job, Output, Rewind, Spec, Unit
from supervisor.jobs.line import Line

HOLDS = (1.0, 2.0, 5.0, 10.0)
"""Seconds before what did not work is tried again: the first time, the second, and so on."""

_BEFORE_ALL = -1
"""The input that what is no input lies in: whatever is planned anew, that stays set aside."""


class Book:
    """Over `jobs`, by number, which it shares with the air. A job leaves it when its end is decided."""

    def __init__(self, jobs: dict[int, Job], line: Line) -> None:
        self._jobs = jobs
        self._line = line

    # ── what the operator wants ───────────────────────────────────────────────────────────────────────────

    def add(self, spec: Spec, facts: Facts, problems: Sequence[SourceProblem] = ()) -> list[Effect]:
        """A new job, and what of its inputs is set aside to begin with."""
        job = Job(spec, msgspec.structs.replace(facts, set_aside=len(problems)))
        job.found += [Found(0, _BEFORE_ALL) for _ in problems]
        self._jobs[spec.number] = job
        self._line.changed()
        found = [
            changes.ProblemFound(spec.number, None, one.where, None, one.problem, (), Found(0, _BEFORE_ALL))
            for one in problems
        ]
        return [Save((changes.JobAdded(spec, job.facts), *found))]

    def change(self, number: int, **facts: object) -> list[Effect]:
        """Pause it, move it, give it another priority; and try at once what is held."""
        job = self._jobs[number]
        job.hold = None
        self._line.changed()
        job.facts = msgspec.structs.replace(job.facts, **facts)
        return [noted(job)]

    def take_back(self, job: Job) -> list[Effect]:
        """A job that had ended goes on."""
        self._jobs[job.spec.number] = job
        self._line.changed()
        return self._note(job, ending=None, reason="", finished_unix=None, hook_due=False)

    def cancel(self, number: int, unix: float) -> list[Effect]:
        """Stop it within one step; what is done stays in the store."""
        job = self._jobs[number]
        recalls = _recalls(job)
        text = f"{job.spec.id} was cancelled with {job.facts.done} units done."
        return [*recalls, *self._end(job, "cancelled", "", unix, Happen("info", job.spec.id, "job-cancelled", text))]

    # ── errands: one at a time for each job ───────────────────────────────────────────────────────────────

    def errand(self, job: Job, window: int, stock: int, monotonic: float) -> list[Effect]:
        """What the job needs besides flights, if anything can be done about it now; `stock` of the `window` wait."""
        if job.errand is not None or (job.hold is not None and monotonic < job.hold.until):
            return []
        job.hold = None
        facts, number = job.facts, job.spec.number
        if facts.placing is not None:
            job.errand = "placing"
            return [Place(number, facts.placing)]
        may_plan = not (facts.all_planned or facts.paused or stock >= window)
        if may_plan and 2 * stock < window:
            return self._plan(job, window)
        output = job.due()
        if output is None and not may_plan and job.stuck:
            job.stuck.clear()
            output = job.due()
        if output is not None:
            job.errand, job.outdated = "assembling", False
            return [Assemble(number, output)]
        return self._plan(job, window) if may_plan else []

    def divide_anew(self, job: Job, tail: Rewind, window: int) -> list[Effect]:
        """Have the desk read these units' input again; until it has, they count as planned, and none of them flies."""
        for unit in tail.units:
            job.take(unit.index)
        job.parked = tail
        return self._plan(job, window)

    def end_if_done(self, job: Job, unix: float) -> list[Effect]:
        """The end of a job with nothing left to do."""
        facts = job.facts
        if not facts.all_ended or job.errand is not None or facts.placing is not None:
            return []
        if facts.unread and not facts.planned:
            return self._end_with_hook(job, "failed", "no input could be read", unix)
        if job.due() is not None or job.written < len(job.spec.outputs):
            return []
        return self._end_with_hook(job, *_ending(facts), unix)

    def planned(self, number: int, answer: Planned, planning: Mapping[str, Scalar]) -> list[Effect]:
        """The desk read on, with the settings `planning`."""
        job = self._jobs[number]
        what: list[changes.Change] = []
        if job.parked is not None:
            parked, job.parked = job.parked, None
            what += self._go_back(job, parked)
        facts, source = job.facts, job.facts.source
        first, all_planned = facts.planned, source + answer.end == len(job.spec.inputs)
        problems = []
        for piece in answer.problems:
            found = Found(first + piece.units_before, source)
            job.found.append(found)
            problems.append(changes.ProblemFound(number, None, piece.where, None, piece.problem, (), found))
        job.put_back(
            Unit(first + offset, unit.payload, unit.where, unit.name, source, unit.start, extent=unit.extent)
            for offset, unit in enumerate(answer.units)
        )
        return self._know(
            job,
            *what,
            changes.UnitsPlanned(number, first, source, answer.units),
            *problems,
            then=_chosen(job, source, answer, last=all_planned),
            begun=True,
            planned=first + len(answer.units),
            planned_with=dict(planning),
            set_aside=facts.set_aside + len(problems),
            source=source + answer.end,
            cursor="" if answer.end else answer.cursor,
            share=0.0 if answer.end else answer.share,
            identity="" if answer.end else answer.identity,
            all_planned=all_planned,
        )

    def unreadable(self, number: int, problem: Problem, planning: Mapping[str, Scalar]) -> list[Effect]:
        """The input at hand cannot be read any further, with the settings `planning`; the others go on."""
        job, facts = self._jobs[number], self._jobs[number].facts
        if job.parked is not None:
            return self._stay(job, problem, planning)
        found = Found(facts.planned, facts.source, facts.cursor)
        job.found.append(found)
        what: list[changes.Change] = [
            changes.ProblemFound(number, None, job.spec.inputs[facts.source], None, problem, (), found)
        ]
        if len(job.spec.outputs) > 1 and not facts.cursor:  # it was never begun, so there is nothing to write
            job.outputs[facts.source] = Output(current=True)
            what.append(changes.OutputNoted(number, facts.source, job.outputs[facts.source]))
        last = facts.source + 1 == len(job.spec.inputs)
        return self._know(
            job,
            *what,
            then=_routed(job, job.choices.rest() if last else ""),
            begun=True,
            unread=facts.unread + 1,
            source=facts.source + 1,
            cursor="",
            share=0.0,
            identity="",
            all_planned=last,
        )

    def rewind(self, job: Job, to: Rewind) -> list[Effect]:
        """Read again from there what could not be read."""
        return [noted(job, *self._go_back(job, to))]

    def assembled(self, number: int, output: int, identity: str) -> list[Effect]:
        """The part file is complete; `identity` is the file's, which it keeps when it is renamed."""
        job = self._jobs[number]
        job.errand = None
        if job.outdated:
            return []
        known = job.outputs.get(output, Output())
        job.outputs[output] = replace(known, identities=(*known.identities, identity))
        job.errand = "placing"
        noted_output = changes.OutputNoted(number, output, job.outputs[output])
        return self._know(job, noted_output, then=(Place(number, output),), errand="placing", placing=output)

    def placed(self, number: int, output: int) -> list[Effect]:
        """The output is in its place, and on the disk."""
        job = self._jobs[number]
        job.outputs[output] = replace(job.outputs[output], current=not job.outdated and job.is_whole(output))
        return self._know(job, changes.OutputNoted(number, output, job.outputs[output]), placing=None)

    def part_missing(self, number: int) -> list[Effect]:
        """Neither the part file nor the output is there any more: assemble again."""
        return self._know(self._jobs[number], placing=None)

    def refused(self, number: int, problem: Problem, unix: float) -> list[Effect]:
        """The output can never be written, unless it is outdated by now. What flies for another output stops."""
        job = self._jobs[number]
        if job.outdated:
            job.errand = None
            return []
        return [*_recalls(job), *self._end_with_hook(job, "failed", problem.detail.rstrip("."), unix)]

    def mishap(self, number: int, reason: str, monotonic: float) -> list[Effect]:
        """An errand came to nothing for a reason that can go away: hold, and try again ever more slowly."""
        job = self._jobs[number]
        self._unpark(job)
        if job.errand == "placing" and len(job.spec.outputs) > 1 and job.facts.placing is not None:
            job.stuck.add(job.facts.placing)  # it is written anew when its turn comes again
            job.facts = msgspec.structs.replace(job.facts, placing=None)
        job.errand = None
        known = job.hold_reason
        job.hold = Hold(reason, monotonic + HOLDS[min(job.mishaps, len(HOLDS) - 1)])
        job.mishaps += 1
        job.hold_reason = reason
        if reason == known:
            return []
        return [Happen("warning", job.spec.id, "job-held", f"{job.spec.id} is held: {reason}.")]

    # ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _go_back(self, job: Job, to: Rewind) -> list[changes.Change]:
        """Forget what is planned from `to` on."""
        job.found = [found for found in job.found if to.keeps(found)]
        spoiled = [number for number in job.outputs if number >= job.spec.output_of(to.source)]
        same = to.source == job.facts.source
        job.facts = msgspec.structs.replace(
            job.facts,
            planned=to.first,
            source=to.source,
            cursor=to.cursor,
            share=None,
            identity=job.facts.identity if same else "",
            all_planned=False,
            set_aside=sum(found.stopped is None for found in job.found),
            unread=sum(found.stopped is not None for found in job.found),
        )
        return [
            changes.UnitsUnplanned(job.spec.number, to.first, to.source),
            *(changes.OutputNoted(job.spec.number, number, job.spoil(number)) for number in spoiled),
        ]

    def _unpark(self, job: Job) -> None:
        if job.parked is not None:
            job.put_back(job.parked.units)
            job.parked = None

    def _stay(self, job: Job, problem: Problem, planning: Mapping[str, Scalar]) -> list[Effect]:
        """Units stay divided as they are, because their input cannot be read again."""
        assert job.parked is not None
        self._unpark(job)
        text = f"What waits of {job.spec.id} stays divided as it was: {problem.detail}"
        told = Happen("warning", job.spec.id, "not-divided-anew", text)
        return self._know(job, then=(told,), planned_with=dict(planning))

    def _plan(self, job: Job, window: int) -> list[Effect]:
        job.errand = "planning"
        return [Plan(job.spec.number, window)]

    def _know(
        self,
        job: Job,
        *what: changes.Change,
        then: tuple[Later, ...] = (),
        errand: Errand | None = None,
        **facts: object,
    ) -> list[Effect]:
        """The errand was done: note what is known now; `errand` is the next."""
        job.errand, job.mishaps, job.hold_reason = errand, 0, ""
        return self._note(job, *what, then=then, **facts)

    def _note(self, job: Job, *what: changes.Change, then: tuple[Later, ...] = (), **facts: object) -> list[Effect]:
        job.facts = msgspec.structs.replace(job.facts, **facts)
        return [noted(job, *what, then=then)]

    def _end_with_hook(self, job: Job, ending: Ending, reason: str, unix: float) -> list[Effect]:
        text = f"{job.spec.id} is {ending}{f': {reason}' if reason else ''}."
        hook = (RunHook(job.spec.number),) if job.spec.on_done else ()
        severity: Severity = "info" if ending == "done" else "warning"
        told = Happen(severity, job.spec.id, f"job-{ending.replace(' ', '-')}", text)
        return self._end(job, ending, reason, unix, told, *hook)

    def _end(self, job: Job, ending: Ending, reason: str, unix: float, *then: Later) -> list[Effect]:
        del self._jobs[job.spec.number]
        self._line.changed()
        hook_due = any(isinstance(later, RunHook) for later in then)
        return self._note(
            job,
            *(changes.FlightOver(formation.flight, flown=False) for formation in job.formations),
            then=(*then, Tidy(job.spec.number)),
            ending=ending,
            reason=reason,
            finished_unix=unix,
            hook_due=hook_due,
            placing=None,
        )


def _chosen(job: Job, source: int, answer: Planned, *, last: bool) -> tuple[Later, ...]:
    """Which engine the recordings go to, where a route decides that and it is time to say so."""
    if job.route is None:
        return ()
    if job.facts.cursor:
        job.choices.skip(source)
    first = next(iter(answer.units), None)
    told = job.choices.tell(job.route, source, job.spec.inputs[source], first.extent) if first is not None else ""
    return _routed(job, told, job.choices.rest() if last else "")


def _routed(job: Job, *texts: str) -> tuple[Later, ...]:
    return tuple(Happen("info", job.spec.id, "recording-routed", text) for text in texts if text)


def _recalls(job: Job) -> list[Effect]:
    return [Recall(flight.engine, flight.id) for flight in job.flights.values() if flight.sent]


def _ending(facts: Facts) -> tuple[Ending, str]:
    parts = [
        f"{count} {what if count == 1 else many}"
        for count, what, many in (
            (facts.failed, "unit failed", "units failed"),
            (facts.set_aside, "piece of the input was set aside", "pieces of the input were set aside"),
            (facts.unread, "input could not be read", "inputs could not be read"),
        )
        if count
    ]
    if not facts.planned:
        parts.append("there was nothing to do")
    return ("done with problems" if parts else "done"), ", ".join(parts)
