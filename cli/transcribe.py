"""`transcribe`: recordings to text here and now: submits, waits, and prints the text where no output is named."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import anyio

from cli import exits, say, waiting
from cli.exits import Exit
from cli.leaving import cancelled_when_told
from cli.printed import cancel, printed
from cli.session import Session
from cli.submit import STDIN, TWO_STDINS, submit
from cli.verb import Verb, completes_files, looped
from engines.catalog import KINDS
from ipc.errors import ConnectionFailed, Problem, RequestFailed
from ipc.hearing import KIND
from ipc.snapshot import JobRow, Scalar

FORMS = tuple(form.removeprefix(".") for form in KINDS[KIND].forms)


async def _transcribe(session: Session, arguments: Namespace) -> Exit:
    if arguments.input.count(STDIN) > 1:
        say.problem(TWO_STDINS)
        return Exit.USAGE
    forms = list(dict.fromkeys(arguments.format))
    if arguments.output is not None:
        row = await _done(session, arguments, _named(session, arguments.output), forms)
        if row.state != "failed":
            say.data(row.output)
        return exits.of_jobs([row.state])
    _check_stdout(session, forms)
    with cancelled_when_told():
        return await printed(
            session, lambda output: _submitted(session, arguments, str(output), []), forms[0] if forms else FORMS[0]
        )
    return Exit.INTERRUPTED


def _check_stdout(session: Session, forms: Sequence[str]) -> None:
    """Raises RequestFailed: the text cannot be printed here."""
    if session.host is not None:
        detail = f"The text is written on {session.host}, and cannot be read from here."
        raise RequestFailed(Problem("Not on this box", detail, "Name an absolute path there: -o /data/talk.txt"))
    if len(forms) > 1:
        detail = f"{', '.join(forms)} cannot all go to stdout."
        raise RequestFailed(Problem("One thing on stdout", detail, "Name one, or an output: -o talk.txt"))


def _named(session: Session, output: str) -> str:
    """A folder that is here is one without a / at its end, too."""
    is_folder = session.host is None and not output.endswith("/") and (session.cwd / output).is_dir()
    return f"{output}/" if is_folder else output


async def _submitted(session: Session, arguments: Namespace, output: str, forms: Sequence[str]) -> JobRow:
    return await submit(session, KIND, arguments.input, output, engine=arguments.engine, own=_own(arguments, forms))


async def _done(session: Session, arguments: Namespace, output: str, forms: Sequence[str]) -> JobRow:
    """The job's last row; where this is interrupted the job is cancelled."""
    row = await _submitted(session, arguments, output, forms)
    try:
        last = (await waiting.finish(session, [row.id]))[row.id]
    except ConnectionFailed:
        say.note(f"{row.id} goes on without us: engineroom job wait {row.id}")
        raise
    except anyio.get_cancelled_exc_class():
        if await cancel(session, row.id):
            say.note(f"{row.id} is cancelled; `engineroom job retry {row.id}` goes on with the rest")
        raise
    await waiting.tell_problems(session, last)
    return last


def _own(arguments: Namespace, forms: Sequence[str]) -> dict[str, Scalar]:
    own: dict[str, Scalar] = {}
    if arguments.language:
        own["language"] = arguments.language
    if arguments.translate:
        own["task"] = "translate"
    if forms:
        own["formats"] = ",".join(forms)
    return own


def _arguments(parser: ArgumentParser) -> None:
    completes_files(
        parser.add_argument(
            "input",
            nargs="+",
            metavar="FILE",
            help="recordings and films, folders, patterns such as 'talks/*.mp3' (quoted), or - for stdin",
        )
    )
    completes_files(
        parser.add_argument(
            "-o",
            "--output",
            metavar="FILE|DIR/",
            help=f"a file ({', '.join(FORMS)}, by its name), or a folder that gets one for each recording; else stdout",
        )
    )
    parser.add_argument("--engine", default="", metavar="NAME", help=f"only this engine; else any of kind {KIND}")
    parser.add_argument("--language", default="", metavar="XX", help="such as en or fr; else as the engine is set")
    parser.add_argument("--translate", action="store_true", help="write English whatever is spoken")
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        choices=FORMS,
        help="of what is printed or put into the folder; with -o FILE a further one beside it; may be repeated",
    )


VERB = Verb(
    "transcribe", "recordings to text: print it, or write it with -o (ctrl+c cancels)", _arguments, looped(_transcribe)
)
