"""`submit`: hand over a job; it goes on whatever happens to this terminal."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cli import assignments, exits, job_json, say, waiting
from cli.exits import Exit
from cli.session import Session
from cli.spool import spooled_stdin
from cli.verb import Verb, completes_files, looped, takes_json
from engines.catalog import KINDS
from ipc.control import JobIs, Submit
from ipc.errors import Problem
from ipc.snapshot import JobRow, Scalar

STDIN = "-"
LEVELS = range(1, 10)
NO_INPUT = Problem(
    "No input",
    "There is nothing to work on.",
    "Name files, folders or quoted patterns, - for stdin, or --after JOB to work on what that job writes.",
)
NOTHING: Mapping[str, Scalar] = MappingProxyType({})
TWO_STDINS = Problem("Stdin twice", "Standard input can be read only once.", "Write - once.")


async def submit(
    session: Session,
    kind: str,
    inputs: Sequence[str],
    output: str,
    *,
    engine: str = "",
    on_done: str = "",
    priority: int = 5,
    after: Sequence[str] = (),
    own: Mapping[str, Scalar] = NOTHING,
) -> JobRow:
    """The job's first row, once it is durable; starts the supervisor when none runs.

    Raises:
        RequestFailed: it was refused; ConnectionFailed; BadConfig.
    """
    paths = [text if text == STDIN else session.path(text) for text in inputs]
    target = session.path(output)
    await session.ensure()
    read = tuple([await spooled_stdin(session, kind) if path == STDIN else path for path in paths])
    wish = Submit(kind, engine, read, target, on_done, priority, tuple(after), dict(own))
    return (await session.ask(wish, JobIs)).row


async def _submit(session: Session, arguments: Namespace) -> Exit:
    if wrong := _wrong(arguments.input, arguments.after):
        say.problem(wrong)
        return Exit.USAGE
    row = await submit(
        session,
        arguments.kind,
        arguments.input,
        arguments.output,
        engine=arguments.engine,
        on_done=arguments.on_done,
        priority=arguments.priority,
        after=arguments.after,
        own=assignments.own(session, arguments.kind, arguments.set),
    )
    if not arguments.wait:
        _show(row, as_json=arguments.json)
        return Exit.OK
    say.note(f"{row.id} is durable: it goes on if you leave (ctrl+c)")
    last = (await waiting.finish(session, [row.id]))[row.id]
    await waiting.tell_problems(session, last)
    _show(last, as_json=arguments.json)
    return exits.of_jobs([last.state])


def _wrong(inputs: Sequence[str], after: Sequence[str]) -> Problem | None:
    if inputs.count(STDIN) > 1:
        return TWO_STDINS
    return None if inputs or after else NO_INPUT


def _show(row: JobRow, *, as_json: bool) -> None:
    if as_json:
        say.document(job_json.job(row))
    else:
        say.data(row.id)


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("kind", metavar="KIND", help=f"kind of work: {', '.join(KINDS)}")
    completes_files(
        parser.add_argument(
            "input",
            nargs="*",
            default=[],
            metavar="INPUT",
            help="files, folders (all files in them that the kind reads), patterns such as 'talks/*.wav' (quoted: they"
            " are looked up where the supervisor runs), or - for stdin; none with --after",
        )
    )
    completes_files(
        parser.add_argument(
            "-o",
            "--output",
            required=True,
            metavar="FILE|DIR/",
            help="one file for all results, or, with / at its end, a folder that gets a file for each input",
        )
    )
    parser.add_argument("--engine", default="", metavar="NAME", help="an engine or pool; else the only pool, or any")
    parser.add_argument(
        "--priority", type=int, choices=LEVELS, default=5, metavar="1..9", help="the higher, the sooner (default 5)"
    )
    parser.add_argument(
        "--after",
        action="append",
        default=[],
        metavar="JOB",
        help="begin once this job has ended well; may be repeated. With no input, what those jobs write is the input",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"a setting for this job alone; may be repeated ({_own_settings()})",
    )
    parser.add_argument("--wait", action="store_true", help="stay until it ends; the exit code says how it ended")
    parser.add_argument("--on-done", default="", metavar="CMD", help="a shell command run when it ends")


def _own_settings() -> str:
    kinds = [kind for kind in KINDS.values() if kind.own and kind.name != "fake"]
    return "; ".join(f"{kind.name}: {', '.join(kind.own)}" for kind in kinds)


VERB = Verb("submit", "hand over a job", _arguments, looped(_submit))
