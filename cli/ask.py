"""`ask`: one question to one engine, before any batch work; the answer comes as it is made."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from cli import say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import Answered, Ask, Piece
from ipc.errors import EngineDied

OPTIONS = ("max_tokens", "temperature", "seed")


async def _ask(session: Session, arguments: Namespace) -> Exit:
    prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    told = {name: value for name in OPTIONS if (value := getattr(arguments, name)) is not None}
    payload = json.dumps({"id": "ask", "prompt": prompt, **told}, ensure_ascii=False)
    await session.ensure()
    spoken = False
    try:
        async with session.connect() as client, client.stream(Ask(arguments.engine, payload)) as items:
            async for item in items:
                match item:
                    case Piece(text=text) if not arguments.json:
                        spoken = True
                        say.data(text, end="")
                    case Answered():
                        _conclude(item, spoken=spoken, as_json=arguments.json)
                    case _:
                        pass
    except EngineDied as died:
        say.data(died.text if arguments.json else "")
        raise
    return Exit.OK


def _conclude(answer: Answered, *, spoken: bool, as_json: bool) -> None:
    result: Any = json.loads(answer.result)
    if as_json:
        measured = {"tokens": answer.tokens, "seconds": answer.seconds, "ttft_seconds": answer.ttft_seconds}
        say.document({**(result if isinstance(result, dict) else {"answer": result}), **measured})
        return
    say.data("" if spoken or not isinstance(result, dict) else str(result.get("answer", "")))
    speed = words.rate(answer.tokens / answer.seconds if answer.seconds else None, "tok")
    say.note(f"{answer.tokens} tokens · {speed} · first after {words.span(answer.ttft_seconds)}")


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("engine")
    parser.add_argument("prompt", help="the question; - reads it from stdin")
    parser.add_argument("--max-tokens", type=int, metavar="N")
    parser.add_argument("--temperature", type=float, metavar="T")
    parser.add_argument("--seed", type=int, metavar="N")


VERB = Verb("ask", "ask one engine one thing", _arguments, looped(_ask))
