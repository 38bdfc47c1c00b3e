"""`chat`: a conversation with a language model, in the terminal or through pipes."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import anyio

from cli.chat_pipe import talk_through_pipes
from cli.chat_wire import Wire, wired
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb
from config.errors import did_you_mean
from ipc.chat.conversation import Conversation
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import EngineRow

KIND = "llm"
OPTIONS = ("max_tokens", "temperature")


def _chat(session: Session, arguments: Namespace) -> Exit:
    anyio.run(session.ensure)
    told = {name: value for name in OPTIONS if (value := getattr(arguments, name)) is not None}
    conversation = Conversation(arguments.system, told)
    with wired(session) as wire:
        row = _engine(wire, arguments.engine)
        if sys.stdin.isatty() and sys.stdout.isatty():
            from cli.chat_terminal import ChatTerminal  # readline looks at the terminal when it is imported

            return ChatTerminal(wire, row, conversation, session.environ).run()
        return talk_through_pipes(wire, row.name, conversation)


def _engine(wire: Wire, name: str) -> EngineRow:
    """Raises RequestFailed: there is no such engine, or one cannot talk with it."""
    rows = {row.name: row for row in wire.rows()}
    talking = [row.name for row in rows.values() if row.kind == KIND]
    if name not in rows:
        raise RequestFailed(Problem("No such engine", f"No engine is named {name!r}.", did_you_mean(name, talking)))
    if rows[name].kind != KIND:
        hint = f"Chat with one of these: {', '.join(talking)}." if talking else "Add an engine of kind llm."
        raise RequestFailed(Problem("Does not chat", f"{name} is of kind {rows[name].kind}, not {KIND}.", hint))
    return rows[name]


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("engine", help=f"one of kind {KIND}")
    parser.add_argument("--system", default="", metavar="TEXT", help="the system message")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer; else as the engine is set")
    parser.add_argument("--temperature", type=float, metavar="X", help="0 always takes the likeliest")


VERB = Verb("chat", "talk with a language model; from a pipe, a line is a message", _arguments, _chat)
