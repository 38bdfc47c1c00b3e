"""Follow jobs to their end, through a restart of the supervisor too."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Iterable, Set
from contextlib import aclosing
from pathlib import PurePath

import anyio

from cli import job_words, say
from cli.session import Session
from ipc.client import expect
from ipc.control import JobWhole, ShowJob, UpdateItem, Watch
from ipc.errors import ConnectionFailed, Problem, RequestFailed
from ipc.snapshot import FINISHED, JobChanged, JobGone, JobRow, Snapshot, Update

AWAY_SECONDS = 30.0
STEP_SECONDS = 5.0
SHOWN = 3
"""Problems of a job that are told at its end."""


async def updates(session: Session) -> AsyncGenerator[Update]:
    """What the supervisor publishes, from a fresh snapshot each time the connection comes back.

    Raises:
        ConnectionFailed: it was away for 30 s.
    """
    last = time.monotonic()
    while True:
        try:
            async with session.connect() as client, client.stream(Watch()) as items:
                async for item in items:
                    last = time.monotonic()
                    yield expect(item, UpdateItem).update
        except ConnectionFailed:
            if time.monotonic() - last > AWAY_SECONDS:
                raise
        await anyio.sleep(0.2)


async def finish(session: Session, ids: Iterable[str]) -> dict[str, JobRow]:
    """The last rows of these jobs, once all have ended; narrates on the way.

    Raises:
        RequestFailed: one of them was cleared away.
        ConnectionFailed: the supervisor was away for 30 s; the jobs are as they were.
    """
    waiting, ended = set(ids), dict[str, JobRow]()
    narrate = Narrator()
    async with aclosing(updates(session)) as stream:
        async for update in stream:
            for row in rows_in(update, waiting - ended.keys()):
                narrate.tell(row)
                if row.state in FINISHED:
                    ended[row.id] = row
            if ended.keys() >= waiting:
                break
    return ended


async def tell_problems(session: Session, row: JobRow) -> None:
    """Say on stderr what was set aside of a job that has ended: the first few, and where the others are."""
    if row.state not in ("failed", "done with problems"):
        return
    problems = (await session.ask(ShowJob(row.id), JobWhole)).detail.problems
    for one in problems[:SHOWN]:
        told = one.problem.detail
        place = "" if PurePath(one.where).name in told else f"{one.where}: "
        say.problem(Problem(one.problem.title, f"{place}{told}", one.problem.hint))
    if len(problems) > SHOWN:
        say.note(f"… and {len(problems) - SHOWN:,} more: engineroom job problems {row.id}")


class Narrator:
    """Says what a waiting person wants to know, on stderr: each change of state or reason, and progress now and then.

    A reason in which only a number changed is no news.
    """

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, str]] = {}
        self._at: dict[str, float] = {}

    def tell(self, row: JobRow) -> None:
        """A line where there is news of `row`."""
        now, news = time.monotonic(), (row.state, re.sub(r"[\d.]+", "", row.reason))
        if self._told.get(row.id) == news and now - self._at[row.id] < STEP_SECONDS:
            return
        self._told[row.id], self._at[row.id] = news, now
        say.note(job_words.line(row))


def rows_in(update: Update, waiting: Set[str]) -> tuple[JobRow, ...]:
    """The rows of these jobs in `update`. Raises RequestFailed when it shows that one of them is gone."""
    match update:
        case Snapshot(jobs=rows):
            missing = waiting - {row.id for row in rows}
            if missing:
                raise _gone(min(missing))
            return tuple(row for row in rows if row.id in waiting)
        case JobChanged(row=row) if row.id in waiting:
            return (row,)
        case JobGone(id=gone) if gone in waiting:
            raise _gone(gone)
        case _:
            return ()


def _gone(id_: str) -> RequestFailed:
    return RequestFailed(
        Problem("Job is gone", f"The supervisor no longer knows {id_}.", "`engineroom jobs` lists those it knows.")
    )
