"""`job clear`: forget finished jobs, and give back the room their results take."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import job_json, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import Cleared, ClearJobs


async def _clear(session: Session, arguments: Namespace) -> Exit:
    answer = await session.ask(ClearJobs(tuple(arguments.id), arguments.force), Cleared)
    if arguments.json:
        say.document(job_json.cleared(answer))
    else:
        for id_ in answer.ids:
            say.data(f"{id_} is cleared")
        say.data(f"{words.size(answer.freed_bytes)} freed" if answer.ids else "nothing was cleared")
        for id_, why in answer.kept:
            say.note(f"{id_} stays: {why.title}: {why.detail}")
            say.note(f"  {why.hint}")
    return Exit.FAILED if arguments.id and answer.kept else Exit.OK


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument(
        "id", nargs="*", default=[], metavar="ID", help="a finished job; none: all whose output is in its place"
    )
    parser.add_argument(
        "--force", action="store_true", help="also a job that is named here and whose results have no other copy"
    )


VERB = Verb("clear", "forget finished jobs and free what their results take", _arguments, looped(_clear))
