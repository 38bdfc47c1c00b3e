"""`submit`: hand over a job; it goes on whatever happens to this terminal."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import exits, json_shapes, say, waiting
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, completes_files, looped, takes_json
from engines.catalog import KINDS
from ipc.control import JobIs, Submit
from ipc.snapshot import JobRow


async def submit(session: Session, kind: str, inputs: list[str], output: str, *, engine: str, on_done: str) -> JobRow:
    """The job's first row, once it is durable; starts the supervisor when none runs.

    Raises:
        RequestFailed: it was refused; ConnectionFailed; BadConfig.
    """
    paths = tuple(session.path(text) for text in inputs)
    wish = Submit(kind=kind, engine=engine, inputs=paths, output=session.path(output), on_done=on_done)
    await session.ensure()
    return (await session.ask(wish, JobIs)).row


async def _submit(session: Session, arguments: Namespace) -> Exit:
    row = await submit(
        session,
        arguments.kind,
        arguments.input,
        arguments.output,
        engine=arguments.engine,
        on_done=arguments.on_done,
    )
    if not arguments.wait:
        _show(row, as_json=arguments.json)
        return Exit.OK
    say.note(f"{row.id} is durable: it goes on if you leave (ctrl+c)")
    last = (await waiting.finish(session, [row.id]))[row.id]
    _show(last, as_json=arguments.json)
    return exits.of_job(last.state)


def _show(row: JobRow, *, as_json: bool) -> None:
    if as_json:
        say.document(json_shapes.job(row))
    else:
        say.data(row.id)


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("kind", help=f"kind of work: {', '.join(KINDS)}")
    completes_files(parser.add_argument("input", nargs="+", help="source files"))
    completes_files(parser.add_argument("-o", "--output", required=True, metavar="FILE", help="where the results go"))
    parser.add_argument("--engine", default="", metavar="NAME", help="only this engine; else any of that kind")
    parser.add_argument("--wait", action="store_true", help="stay until it ends; the exit code says how it ended")
    parser.add_argument("--on-done", default="", metavar="CMD", help="a shell command run when it ends")


VERB = Verb("submit", "hand over a job", _arguments, looped(_submit))
