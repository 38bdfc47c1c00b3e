"""`logs` and `events`: the last lines, and with -f what comes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import json_shapes, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.client import expect
from ipc.control import EventItem, Events, LogLines, Logs


async def _logs(session: Session, arguments: Namespace) -> Exit:
    wish = Logs(arguments.engine, arguments.lines, arguments.follow)
    async with session.connect() as client, client.stream(wish) as items:
        async for item in items:
            for line in expect(item, LogLines).lines:
                if arguments.json:
                    say.record(json_shapes.log_line(line))
                else:
                    say.data(words.log_line(line))
    return Exit.OK


async def _events(session: Session, arguments: Namespace) -> Exit:
    async with session.connect() as client, client.stream(Events(arguments.lines, arguments.follow)) as items:
        async for item in items:
            happening = expect(item, EventItem).happening
            if arguments.json:
                say.record(json_shapes.happening(happening))
            else:
                say.data(words.happening(happening))
    return Exit.OK


def _tail_arguments(parser: ArgumentParser) -> None:
    takes_json(parser, "print one JSON document a line (docs/json.md)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    parser.add_argument("-n", "--lines", type=int, default=50, metavar="N", help="how many of the last (default 50)")


def _logs_arguments(parser: ArgumentParser) -> None:
    _tail_arguments(parser)
    parser.add_argument("engine")


LOGS = Verb("logs", "what an engine printed", _logs_arguments, looped(_logs))
EVENTS = Verb("events", "what was decided, and why", _tail_arguments, looped(_events))
