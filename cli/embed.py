"""`embed`: vectors of some texts, one line of JSON each."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from cli import say
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped

STDIN = "-"


async def _embed(session: Session, arguments: Namespace) -> Exit:
    texts = arguments.texts
    if texts in ([], [STDIN]):
        texts = [text for line in sys.stdin if (text := line.rstrip("\r\n"))]
    await session.ensure()
    async with session.connect() as client:
        for vector in await client.embed(texts, arguments.engine):
            say.record(vector)  # type: ignore[arg-type]  # (a list of floats is JSON)
    return Exit.OK


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("engine", help="of kind embed")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="none, or -, reads one from each line of stdin")


VERB = Verb("embed", "turn texts into vectors", _arguments, looped(_embed))
