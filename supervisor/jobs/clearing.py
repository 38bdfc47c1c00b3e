"""Finished jobs are forgotten: when somebody says so, or when they are old; never where results are the last copy."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from config.house import JobSettings
from engines import beside
from ipc.control import Cleared, ClearJobs
from ipc.errors import Problem
from supervisor.jobs import changes, output, unit_files
from supervisor.jobs.bureau import Bureau
from supervisor.jobs.effects import Save
from supervisor.jobs.job import Facts, Output, Spec
from supervisor.jobs.order import WELL
from supervisor.jobs.reading import outputs_of
from supervisor.jobs.submitting import Submitting


@dataclass(frozen=True)
class Finished:
    """A finished job, as the limits see it."""

    number: int
    finished_unix: float
    result_bytes: int


def overdue(jobs: Iterable[Finished], limits: JobSettings, unix: float, kept: Collection[int] = ()) -> list[int]:
    """Those that are too old, and the oldest of those that hold too much together; `kept` cannot leave. Pure."""
    jobs = sorted(jobs, key=lambda job: job.finished_unix)
    held = sum(job.result_bytes for job in jobs)
    leaving: list[int] = []
    for job in jobs:
        if job.number in kept:
            continue
        too_old = limits.keep_for > 0 and unix - job.finished_unix > limits.keep_for
        if too_old or 0 < limits.keep_bytes < held:
            leaving.append(job.number)
            held -= job.result_bytes
    return leaving


class Clearing:
    """Over the bureau."""

    def __init__(self, bureau: Bureau, submitting: Submitting, limits: JobSettings) -> None:
        self._bureau = bureau
        self._submitting = submitting
        self._limits = limits

    async def clear(self, wish: ClearJobs) -> Cleared:
        """Forget finished jobs, named or all; what is kept is named with its reason. Raises RequestFailed."""
        self._bureau.refuse_in_trouble()
        kept: list[tuple[str, Problem]] = []
        jobs: list[tuple[Spec, Facts]] = []
        for id_ in dict.fromkeys(wish.ids):
            spec, facts = self._bureau.find(id_)
            if spec.number in self._bureau.jobs or facts.ending is None:
                kept.append((id_, Problem("Not finished", f"{id_} is still at work.", "Cancel it first.")))
            else:
                jobs.append((spec, facts))
        cleared, freed = [], 0
        for spec, facts in jobs if wish.ids else self._bureau.wall.over():
            problem = None if wish.force and wish.ids else await self._why_not(spec, facts)
            if problem is None and await self._forget(spec):
                cleared.append(spec.id)
                freed += facts.result_bytes
            elif wish.ids:
                kept.append((spec.id, problem or _changed(spec)))
        return Cleared(tuple(cleared), freed, tuple(kept))

    async def housekeep(self) -> None:
        """Forget what is over the limits of the configuration, each with its reason."""
        unix = time.time()
        over = {spec.number: (spec, facts) for spec, facts in self._bureau.wall.over()}
        finished = [
            Finished(number, facts.finished_unix or unix, facts.result_bytes) for number, (_, facts) in over.items()
        ]
        kept: set[int] = set()
        while leaving := overdue(finished, self._limits, unix, kept):
            kept.update(leaving)  # whether they left or had to stay: each is looked at once
            for number in leaving:
                spec, facts = over[number]
                if await self._why_not(spec, facts) is None and await self._forget(spec):
                    finished = [job for job in finished if job.number != number]
                    text = (
                        f"{spec.id} was cleared: it is over the limits for finished jobs, and its output is in place."
                    )
                    self._bureau.floor.happen("info", spec.id, "job-cleared", text)
        await self._submitting.sweep(unix)

    async def _why_not(self, spec: Spec, facts: Facts) -> Problem | None:
        """Why its results are still needed."""
        others = [job for job in self._bureau.jobs.values() if not job.facts.begun]
        waiting = [job.spec.id for job in others if spec.number in job.facts.after]
        if waiting and facts.ending not in WELL:
            return Problem(
                "Others wait for it", f"{waiting[0]} waits for {spec.id}.", "Release that, or retry this one."
            )
        if not facts.done:
            return None
        last_copy = Problem(
            "Last copy",
            f"The results of {spec.id} are nowhere else: its output is not in its place, or was changed.",
            f"`engineroom job retry {spec.id}` goes on with it; --force clears it all the same.",
        )
        if facts.ending not in WELL:
            return last_copy
        outputs = await self._bureau.read(lambda connection: outputs_of(connection, spec.number))
        return None if await to_thread.run_sync(_all_in_place, spec, outputs) else last_copy

    async def _forget(self, spec: Spec) -> bool:
        """False where it is at work again by now, or somebody else has cleared it."""
        number, leaving = spec.number, self._bureau.leaving
        if number in self._bureau.jobs or number in leaving or not self._bureau.wall.knows(number):
            return False
        leaving.add(number)
        try:
            await self._bureau.settle([Save((changes.JobCleared(number),))])
        finally:
            leaving.discard(number)
        await to_thread.run_sync(self._remove_files, spec, self._submitting.spooled(spec))
        return True

    def _remove_files(self, spec: Spec, spooled: Iterable[Path]) -> None:
        unit_files.remove(self._bureau.files, spec.number)
        beside.sweep(spec.outputs, spec.id, cleared=True)
        for file in spooled:
            with contextlib.suppress(OSError):  # it is swept later
                file.unlink()


def _changed(spec: Spec) -> Problem:
    return Problem("Changed meanwhile", f"{spec.id} was retried or cleared at the same moment.", "Look again.")


def _all_in_place(spec: Spec, outputs: dict[int, Output]) -> bool:
    try:
        return all(
            (known := outputs.get(number)) is not None and output.is_in_place(path, known.identities)
            for number, path in enumerate(spec.outputs)
        )
    except OSError:
        return False
