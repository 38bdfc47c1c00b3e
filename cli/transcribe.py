"""`transcribe`: recordings to text here and now: submits, waits, and prints the text where no output is named."""

from __future__ import annotations

import shutil
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import anyio

from cli import exits, say, waiting
from cli.exits import Exit
from cli.session import Session
from cli.submit import STDIN, TWO_STDINS, submit
from cli.verb import Verb, completes_files, looped
from engines.catalog import KINDS
from ipc.control import CancelJob, Cleared, ClearJobs, JobIs
from ipc.errors import EngineRoomError, Problem, RequestFailed
from ipc.hearing import KIND
from ipc.snapshot import JobRow, Scalar

FORMS = tuple(form.removeprefix(".") for form in KINDS[KIND].forms)
CHUNK_BYTES = 65536


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
    folder = Path(tempfile.mkdtemp(prefix="engineroom-"))
    output = folder / f"text.{forms[0] if forms else FORMS[0]}"
    try:
        row = await _done(session, arguments, str(output), [], kept=False)
        _print(output)
        await _forget(session, row.id)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return exits.of_jobs([row.state])


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


async def _done(
    session: Session, arguments: Namespace, output: str, forms: Sequence[str], *, kept: bool = True
) -> JobRow:
    """The job's last row; where this is interrupted the job is cancelled, and forgotten unless it is `kept`."""
    row = await submit(session, KIND, arguments.input, output, engine=arguments.engine, own=_own(arguments, forms))
    try:
        last = (await waiting.finish(session, [row.id]))[row.id]
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await _cancel(session, row.id, kept=kept)
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


async def _cancel(session: Session, id_: str, *, kept: bool) -> None:
    """Whatever goes wrong here must not hide that we were told to leave."""
    try:
        await session.ask(CancelJob(id_), JobIs)
        if kept:
            say.note(f"{id_} is cancelled; `engineroom job retry {id_}` goes on with the rest")
    except EngineRoomError as error:
        say.problem(error.problem)
    if not kept:
        await _forget(session, id_)


async def _forget(session: Session, id_: str) -> None:
    """What was printed need not stay on the box; that it does is no failure."""
    try:
        await session.ask(ClearJobs((id_,), force=True), Cleared)
    except EngineRoomError as error:
        say.problem(error.problem)


def _print(path: Path) -> None:
    """What is there; nothing where the job failed."""
    if path.exists():
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer, CHUNK_BYTES)
        sys.stdout.buffer.flush()


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
