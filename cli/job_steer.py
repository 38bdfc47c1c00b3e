"""`job pause|resume|cancel|release|retry|redo|priority|move`: one wish about one job or several, each answered by what
the job then is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from cli import job_json, job_words, say
from cli.exits import Exit
from cli.session import Session
from cli.submit import LEVELS
from cli.verb import Verb, looped, takes_json
from ipc import control
from ipc.client import expect
from ipc.errors import RequestFailed

ANY = "any"
UNIT_HELP = "a unit's name, or its number as '#12' (quoted: the shell takes a bare # for a comment)"


async def _tell(session: Session, wishes: Sequence[control.OneAnswer], *, as_json: bool) -> Exit:
    """Tell them all; one that is refused stops no other."""
    code = Exit.OK
    async with session.connect() as client:
        for wish in wishes:
            try:
                row = expect(await client.ask(wish), control.JobIs).row
            except RequestFailed as error:
                say.problem(error.problem)
                code = Exit.FAILED
                continue
            if as_json:
                say.record(job_json.job(row))
            else:
                say.data(job_words.line(row))
    return code


def _verb(
    name: str,
    help_: str,
    arguments: Callable[[ArgumentParser], None],
    wishes: Callable[[Namespace], Sequence[control.OneAnswer]],
) -> Verb:
    async def run(session: Session, told: Namespace) -> Exit:
        return await _tell(session, wishes(told), as_json=told.json)

    return Verb(name, help_, arguments, looped(run))


def _several(name: str, help_: str, wish: Callable[[str], control.OneAnswer]) -> Verb:
    return _verb(name, help_, _ids, lambda told: [wish(id_) for id_ in dict.fromkeys(told.id)])


def _ids(parser: ArgumentParser) -> None:
    takes_json(parser, "print one JSON document a line (docs/json.md)")
    parser.add_argument("id", nargs="+", metavar="ID", help="a job's id (engineroom jobs)")


def _id(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("id", metavar="ID", help="a job's id (engineroom jobs)")


def _retry_arguments(parser: ArgumentParser) -> None:
    _id(parser)
    parser.add_argument(
        "unit", nargs="*", default=[], metavar="UNIT", help=f"{UNIT_HELP}; none: all that were set aside"
    )


def _redo_arguments(parser: ArgumentParser) -> None:
    _id(parser)
    parser.add_argument("unit", nargs="+", metavar="UNIT", help=UNIT_HELP)


def _priority_arguments(parser: ArgumentParser) -> None:
    _id(parser)
    parser.add_argument("priority", type=int, choices=LEVELS, metavar="1..9", help="the higher, the sooner")


def _move_arguments(parser: ArgumentParser) -> None:
    _id(parser)
    parser.add_argument(
        "engine",
        metavar="ENGINE",
        help=f"an engine or pool of its kind, or `{ANY}`: through the pool if there is just one, else any engine",
    )


VERBS = (
    _several("pause", "start no further flight of these jobs", control.PauseJob),
    _several("resume", "let paused jobs go on", control.ResumeJob),
    _several("cancel", "stop jobs within one step; what is done stays", control.CancelJob),
    _several("release", "let jobs begin without those they wait for", control.ReleaseJob),
    _verb(
        "retry",
        "do again what was set aside; a cancelled or failed job goes on",
        _retry_arguments,
        lambda told: [control.RetryJob(told.id, tuple(told.unit))],
    ),
    _verb(
        "redo",
        "do finished units again; an old result stays until there is a new one",
        _redo_arguments,
        lambda told: [control.RedoUnits(told.id, tuple(told.unit))],
    ),
    _verb(
        "priority",
        "change how soon a job has its turn",
        _priority_arguments,
        lambda told: [control.PrioritizeJob(told.id, told.priority)],
    ),
    _verb(
        "move",
        "let another engine do what is not done yet",
        _move_arguments,
        lambda told: [control.MoveJob(told.id, "" if told.engine == ANY else told.engine)],
    ),
)
