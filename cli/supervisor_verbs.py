"""`up`, `status`: the supervisor itself."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import json_shapes, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from config.environment import variable
from ipc.client import expect
from ipc.control import Self, Status
from ipc.errors import Problem, RequestFailed


async def show(session: Session, *, as_json: bool) -> Exit:
    """Print what the supervisor says of itself."""
    async with session.connect() as client:
        row = expect(await client.ask(Status()), Self).supervisor
        protocol = client.supervisor.version
    if as_json:
        say.document(json_shapes.status(row, protocol=protocol))
        return Exit.OK
    recording = "no" if row.recording is None else f"{row.recording.path} ({row.recording.ticks} ticks)"
    for name, value in (
        ("supervisor", f"pid {row.pid} on {row.host}, Engine Room {row.version}"),
        ("since", words.moment(row.started_unix)),
        ("kept by", row.keeper),
        ("socket", row.socket),
        ("state", row.state_folder),
        ("clients", str(row.clients)),
        ("recording", recording),
    ):
        say.data(f"{name:<11} {value}")
    return Exit.OK


async def _status(session: Session, arguments: Namespace) -> Exit:
    return await show(session, as_json=arguments.json)


async def _up(session: Session, arguments: Namespace) -> Exit:
    flags = dict(_flag(text) for text in arguments.set)
    if flags and session.host:
        raise RequestFailed(Problem("Not over ssh", "--set is for a supervisor on this host.", "Run it on that host."))
    if not await session.ensure(flags):
        if flags:
            raise RequestFailed(
                Problem("Already up", "--set counts only when it starts.", "Use `engineroom set ENGINE KEY=VALUE` now.")
            )
        say.note("already up")
    return await show(session, as_json=arguments.json)


def _flag(text: str) -> tuple[str, str]:
    """`writer.n_ctx=2048` as the variable of the supervisor's environment that means it."""
    key, is_set, value = text.partition("=")
    engine, is_of, name = key.partition(".")
    if not (is_set and is_of and engine and name):
        raise RequestFailed(
            Problem("Bad flag", f"--set {text}: that is not ENGINE.KEY=VALUE.", "For example --set writer.n_ctx=2048.")
        )
    return variable(engine, name), value


def _up_arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="ENGINE.KEY=VALUE",
        help="a setting for as long as this supervisor runs, above every other layer",
    )


STATUS = Verb("status", "who the supervisor is", takes_json, looped(_status))
UP = Verb("up", "start the supervisor if none runs", _up_arguments, looped(_up))
