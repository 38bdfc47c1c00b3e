"""The book of unfinished jobs: what happens to them goes in, what to do about it comes out. No I/O, no clock.

Decisions are made at once, in memory; what they change is handed to the store in the same order, and nobody is told,
and no flight is sent, before it is stored. So what was told survives any crash, and what was not told was no promise.
Flights are `supervisor.jobs.air`'s.
"""

from __future__ import annotations

import msgspec

from ipc.errors import Problem
from ipc.snapshot import Severity
from ipc.work import Planned
from supervisor.jobs import changes
from supervisor.jobs.effects import (
    Assemble,
    Discard,
    Effect,
    Happen,
    Later,
    Place,
    Plan,
    Recall,
    RunHook,
    Save,
    noted,
)
from supervisor.jobs.job import Ending, Hold, Job, Spec

HOLDS = (1.0, 2.0, 5.0, 10.0)
"""Seconds before what did not work is tried again: the first time, the second, and so on."""


class Book:
    """Over `jobs`, by number, which it shares with the air. A job leaves it when its end is decided."""

    def __init__(self, jobs: dict[int, Job]) -> None:
        self._jobs = jobs

    # ── what the operator wants ───────────────────────────────────────────────────────────────────────────

    def add(self, spec: Spec) -> list[Effect]:
        """A new job."""
        job = self._jobs[spec.number] = Job(spec)
        return [Save((changes.JobAdded(spec, job.facts),))]

    def pause(self, number: int) -> list[Effect]:
        """Start no further flight of it."""
        return self._note(self._jobs[number], paused=True)

    def resume(self, number: int) -> list[Effect]:
        """Go on, and try at once what is held."""
        job = self._jobs[number]
        job.hold = None
        return self._note(job, paused=False)

    def cancel(self, number: int, unix: float) -> list[Effect]:
        """Stop it within one step; what is done stays in the store."""
        job = self._jobs[number]
        recalls: list[Effect] = [Recall(flight.engine, flight.id) for flight in job.flights.values() if flight.sent]
        text = f"{job.spec.id} was cancelled with {job.facts.done} units done."
        return [*recalls, *self._end(job, "cancelled", "", unix, Happen("info", job.spec.id, "job-cancelled", text))]

    # ── errands: one at a time for each job ───────────────────────────────────────────────────────────────

    def errand(self, job: Job, window: int, unix: float, monotonic: float) -> list[Effect]:
        """What the job needs besides flights, if anything can be done about it now."""
        if job.errand is not None or (job.hold is not None and monotonic < job.hold.until):
            return []
        job.hold = None
        facts = job.facts
        if facts.all_ended:
            if facts.unread and not facts.planned:
                return self._end_with_hook(job, "failed", "no input could be read", unix)
            if facts.placed:
                job.errand = "placing"
                return [Place(job.spec.number)]
            job.errand = "assembling"
            return [Assemble(job.spec.number)]
        if facts.all_planned or facts.paused or len(job.free) >= window:
            return []
        job.errand = "planning"
        return [Plan(job.spec.number, window)]

    def planned(self, number: int, answer: Planned) -> list[Effect]:
        """The desk read on."""
        job, facts = self._jobs[number], self._jobs[number].facts
        first = facts.planned
        problems = tuple(
            changes.ProblemFound(number, None, found.where, None, found.problem, ()) for found in answer.problems
        )
        for offset, unit in enumerate(answer.units):
            job.plan(first + offset, unit)
        source = facts.source + answer.end
        return self._know(
            job,
            changes.UnitsPlanned(number, first, answer.units),
            *problems,
            planned=first + len(answer.units),
            set_aside=facts.set_aside + len(problems),
            source=source,
            cursor="" if answer.end else answer.cursor,
            all_planned=source == len(job.spec.inputs),
        )

    def unreadable(self, number: int, problem: Problem) -> list[Effect]:
        """The input at hand cannot be read any further; the others go on."""
        job, facts = self._jobs[number], self._jobs[number].facts
        where = job.spec.inputs[facts.source]
        return self._know(
            job,
            changes.ProblemFound(number, None, where, None, problem, ()),
            unread=facts.unread + 1,
            source=facts.source + 1,
            cursor="",
            all_planned=facts.source + 1 == len(job.spec.inputs),
        )

    def assembled(self, number: int, identity: str) -> list[Effect]:
        """The part file is complete; `identity` is the file's, which it keeps when it is renamed."""
        job = self._jobs[number]
        if not job.facts.all_ended:  # units were forgiven meanwhile
            job.errand = None
            return []
        effects = self._know(job, then=(Place(number),), placed=identity)
        job.errand = "placing"
        return effects

    def placed(self, number: int, unix: float) -> list[Effect]:
        """The output is in its place, and on the disk."""
        job = self._jobs[number]
        facts = job.facts
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
        ending: Ending = "done with problems" if parts else "done"
        return self._end_with_hook(job, ending, ", ".join(parts), unix)

    def part_missing(self, number: int) -> list[Effect]:
        """Neither the part file nor the output is there any more: assemble again."""
        return self._know(self._jobs[number], placed="")

    def refused(self, number: int, problem: Problem, unix: float) -> list[Effect]:
        """The output can never be written."""
        return self._end_with_hook(self._jobs[number], "failed", problem.detail.rstrip("."), unix)

    def mishap(self, number: int, reason: str, monotonic: float) -> list[Effect]:
        """An errand came to nothing for a reason that can go away: hold, and try again ever more slowly."""
        job = self._jobs[number]
        job.errand = None
        known = job.hold_reason
        job.hold = Hold(reason, monotonic + HOLDS[min(job.mishaps, len(HOLDS) - 1)])
        job.mishaps += 1
        job.hold_reason = reason
        if reason == known:
            return []
        return [Happen("warning", job.spec.id, "job-held", f"{job.spec.id} is held: {reason}.")]

    # ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _know(self, job: Job, *what: changes.Change, then: tuple[Later, ...] = (), **facts: object) -> list[Effect]:
        """The errand was done: note what is known now."""
        job.errand, job.mishaps, job.hold_reason = None, 0, ""
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
        hook_due = any(isinstance(later, RunHook) for later in then)
        discard = () if ending.startswith("done") else (Discard(job.spec.number),)
        return self._note(
            job,
            *(changes.FlightOver(formation.flight) for formation in job.formations),
            then=(*then, *discard),
            ending=ending,
            reason=reason,
            finished_unix=unix,
            hook_due=hook_due,
        )
