"""`jobs`: all of them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from cli import job_json, job_words, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import JobList, Jobs
from ipc.snapshot import JobRow

HEADS = ("JOB", "KIND", "ENGINE", "STATE", "PRI", "DONE", "SET ASIDE", "RATE", "LEFT", "OUTPUT", "REASON")


async def _jobs(session: Session, arguments: Namespace) -> Exit:
    rows = (await session.ask(Jobs(), JobList)).rows
    if arguments.json:
        say.document([job_json.job(row) for row in rows])
    else:
        table(rows)
    return Exit.OK


def table(rows: Iterable[JobRow]) -> None:
    """Print the jobs."""
    say.table(HEADS, [_cells(row) for row in rows], right=frozenset({4, 5, 6, 7, 8}))


def _cells(row: JobRow) -> tuple[str, ...]:
    return (
        row.id,
        row.kind,
        row.engine or words.UNKNOWN,
        row.state,
        str(row.priority),
        job_words.progress_of(row),
        str(row.units_failed),
        job_words.speed_of(row),
        words.left(row.eta_seconds, row.eta_spread_seconds),
        row.output,
        row.reason,
    )


VERB = Verb("jobs", "list the jobs", takes_json, looped(_jobs))
