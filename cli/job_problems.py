"""`job problems`: what was set aside of a job, why, and the way out."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence

from cli import job_json, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import JobWhole, ShowJob
from ipc.snapshot import UnitProblem

HEADS = ("UNIT", "WHERE", "STATE", "WHAT")
UNIT_COLUMNS, WHERE_COLUMNS = 16, 24


async def _problems(session: Session, arguments: Namespace) -> Exit:
    problems = (await session.ask(ShowJob(arguments.id), JobWhole)).detail.problems
    if arguments.json:
        say.document([job_json.unit_problem(one) for one in problems])
    elif problems:
        for line in page(problems, with_logs=arguments.log):
            say.data(line)
    else:
        say.note(f"{arguments.id} has no problems")
    return Exit.OK


def page(problems: Sequence[UnitProblem], *, with_logs: bool) -> Iterator[str]:
    """A row each, with the sentence and the way out below it."""
    heads, *rows = say.aligned([HEADS, *map(_cells, problems)])
    yield heads
    for one, row in zip(problems, rows, strict=True):
        yield row
        yield from words.folded(one.problem.detail)
        yield from words.folded(f"→ {one.problem.hint}" if one.problem.hint else "")
        if with_logs:
            for text in one.log_tail:
                yield f"  │ {text}"


def _cells(one: UnitProblem) -> tuple[str, ...]:
    number = "" if one.index is None else f"#{one.index}"
    return (
        words.clipped(" ".join(filter(None, (number, one.unit))), UNIT_COLUMNS) or words.UNKNOWN,
        words.ending(one.where, WHERE_COLUMNS),
        one.state or words.UNKNOWN,
        one.problem.title,
    )


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("id", metavar="ID", help="a job's id (engineroom jobs)")
    parser.add_argument("--log", action="store_true", help="also the last lines that the engine had printed by then")


VERB = Verb("problems", "what was set aside of a job, why, and the way out", _arguments, looped(_problems))
