"""The errands that wait for a kind's desk: one at a time for each kind, first come first served."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from ipc import work
from supervisor.jobs.job import Job, Numbers


@dataclass(frozen=True)
class Task:
    """What a desk is at: its number, the job it is for, and what was sent."""

    number: int
    job: Job
    output: int
    """Which of its outputs is written."""
    message: work.Plan | work.Assemble


Make = Callable[[int], work.Plan | work.Assemble | None]
"""Builds the message when its turn comes; None where it is not wanted any more."""


class Desks:
    """Over all kinds."""

    def __init__(self, numbers: Numbers, send: Callable[[str, work.Plan | work.Assemble], None]) -> None:
        self._numbers = numbers
        self._send = send
        self._waiting: defaultdict[str, deque[tuple[Job, int, Make]]] = defaultdict(deque)
        self._current: dict[str, Task] = {}

    def give(self, job: Job, make: Make, output: int = 0) -> None:
        """An errand for the desk of the job's kind."""
        self._waiting[job.spec.kind].append((job, output, make))
        self._next(job.spec.kind)

    def current(self, kind: str, task: int) -> Task | None:
        """The task of that number, if the desk is at it."""
        found = self._current.get(kind)
        return found if found is not None and found.number == task else None

    def over(self, kind: str) -> Task | None:
        """The desk's task ended, one way or the other; the next is sent."""
        task = self._current.pop(kind, None)
        self._next(kind)
        return task

    def _next(self, kind: str) -> None:
        while kind not in self._current and self._waiting[kind]:
            job, output, make = self._waiting[kind].popleft()
            number = self._numbers.next()
            message = make(number)
            if message is not None:
                self._current[kind] = Task(number, job, output, message)
                self._send(kind, message)
