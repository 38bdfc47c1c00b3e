"""The chat between pipes: a line in is a message, its answer goes out as it comes, and nothing else does."""

from __future__ import annotations

import sys

from cli import chat_words, exits, say
from cli.chat_wire import Wire
from cli.exits import Exit
from ipc.chat.conversation import Conversation
from ipc.errors import EngineDied, RequestFailed

_PAUSE_SECONDS = 10.0


def talk_through_pipes(wire: Wire, engine: str, conversation: Conversation) -> Exit:
    """Until stdin ends; goes on after a message that got no answer, and ends as the worst of them says."""
    worst = Exit.OK
    for line in sys.stdin.buffer:
        text = line.decode(errors="replace").strip()
        if text:
            worst = max(worst, _answer(wire, engine, conversation, text))
    return worst


def _answer(wire: Wire, engine: str, conversation: Conversation, text: str) -> Exit:
    exchange = conversation.ask(text)
    asking, said = wire.ask(engine, conversation), 0
    while said < len(exchange.answer) or not asking.over:
        if said == len(exchange.answer):
            asking.wait(_PAUSE_SECONDS)
        fresh = exchange.answer[said:]
        say.data(chat_words.harmless(fresh) if sys.stdout.isatty() else fresh, end="")
        said += len(fresh)
    say.data("")
    if exchange.dropped:
        say.note(chat_words.dropped(exchange.dropped))
    if exchange.problem is None:
        return Exit.OK
    say.problem(exchange.problem)
    died = exchange.end == "died"
    return exits.of_error(EngineDied(exchange.problem, "") if died else RequestFailed(exchange.problem))
