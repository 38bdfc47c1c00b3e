"""`chat`: a conversation with a language model, in the terminal or through pipes."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import anyio

from cli.chat_pipe import talk_through_pipes
from cli.chat_wire import wired
from cli.exits import Exit
from cli.of_kind import of_kind
from cli.session import Session
from cli.verb import Verb
from ipc.chat.conversation import Conversation

KIND = "llm"
OPTIONS = ("max_tokens", "temperature")


def _chat(session: Session, arguments: Namespace) -> Exit:
    anyio.run(session.ensure)
    told = {name: value for name in OPTIONS if (value := getattr(arguments, name)) is not None}
    conversation = Conversation(arguments.system, told)
    with wired(session) as wire:
        row = of_kind(wire.rows(), arguments.engine, KIND, cannot="Does not chat", with_="Chat with")
        if sys.stdin.isatty() and sys.stdout.isatty():
            from cli.chat_terminal import ChatTerminal  # readline looks at the terminal when it is imported

            return ChatTerminal(wire, row, conversation, session.environ).run()
        return talk_through_pipes(wire, row.name, conversation)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("engine", help=f"one of kind {KIND}")
    parser.add_argument("--system", default="", metavar="TEXT", help="the system message")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer; else as the engine is set")
    parser.add_argument("--temperature", type=float, metavar="X", help="0 always takes the likeliest")


VERB = Verb("chat", "talk with a language model; from a pipe, a line is a message", _arguments, _chat)
