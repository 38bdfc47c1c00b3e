"""Which job waits for which: dependencies by number, and how those ended. Pure."""

from __future__ import annotations

from supervisor.jobs.job import Ending, Job

WELL: frozenset[Ending] = frozenset({"done", "done with problems"})
"""Whoever waits for a job goes on after these: what was set aside stays aside, and the rest goes on."""


class Order:
    """Of every job that is stored: how it ended, None while it is under way. One that was cleared holds up nobody."""

    def __init__(self) -> None:
        self._endings: dict[int, Ending | None] = {}
        self.version = 0
        """Grows with every change."""

    def note(self, job: int, ending: Ending | None) -> None:
        """How the job stands now, durably."""
        if job in self._endings and self._endings[job] != ending:  # nobody can wait for one that is new
            self.version += 1
        self._endings[job] = ending

    def forget(self, job: int) -> None:
        """The job was cleared."""
        self._endings.pop(job, None)
        self.version += 1

    def waits_for(self, job: Job) -> int | None:
        """The first job that it cannot begin before; None where it may go on, or has begun already."""
        if job.facts.begun:
            return None
        return next((number for number in job.facts.after if self._endings.get(number, "done") not in WELL), None)

    def ending(self, job: int) -> Ending | None:
        """How it ended."""
        return self._endings.get(job)
