"""`job wait`: until these jobs have ended."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import exits, job_json, job_words, say, waiting
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json


async def _wait(session: Session, arguments: Namespace) -> Exit:
    ended = await waiting.finish(session, arguments.id)
    rows = [ended[id_] for id_ in dict.fromkeys(arguments.id)]
    for row in rows:
        await waiting.tell_problems(session, row)
        if arguments.json:
            say.record(job_json.job(row))
        else:
            say.data(job_words.line(row))
    return exits.of_jobs(row.state for row in rows)


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser, "print one JSON document a line (docs/json.md)")
    parser.add_argument("id", nargs="+", metavar="ID", help="a job's id (engineroom jobs)")


VERB = Verb("wait", "wait until jobs have ended; the exit code says how the worst went", _arguments, looped(_wait))
