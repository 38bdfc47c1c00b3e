"""What a chat in the terminal says besides the answers. Pure."""

from __future__ import annotations

import re

from cli import words
from ipc.chat.conversation import Conversation, End, Exchange
from ipc.snapshot import EngineRow
from ipc.states import Ready

PATIENCE_SECONDS = 2.0
"""After so long it is told how long the wait is."""
_ENDS: dict[End | None, str] = {"stopped": "stopped", "cut": "cut off", "died": "died", "failed": "failed"}
_HARMFUL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def harmless(text: str) -> str:
    """As long as `text`; what could steer a terminal stands as �."""
    return _HARMFUL.sub("�", text)


def greeting(row: EngineRow) -> str:
    """`writer · mistral-7b q8 · ready. /help tells what can be typed.`"""
    model = " ".join(filter(None, (row.model, row.quantization)))
    return f"{' · '.join(filter(None, (row.name, model, words.state_of(row))))}. /help tells what can be typed."


def waiting(engine: str, row: EngineRow | None, seconds: float) -> str:
    """What the answer waits for: `writer: loading 62 % · 4.0 s`; nothing in the first moment of a ready engine."""
    late = [words.span(seconds)] if seconds >= PATIENCE_SECONDS else []
    if row is None or isinstance(row.state, Ready) and not row.hold and not late:
        return ""
    return f"{engine}: {' · '.join(filter(None, [words.state_of(row), words.held(row.hold), *late]))}"


def summary(exchange: Exchange, conversation: Conversation) -> str:
    """`23 tokens · 212 tok/s · first after 40 ms · in all 3 messages, 412 tokens`; counted pieces wear a `~`."""
    how, told = _ENDS.get(exchange.end), exchange.numbers
    if told is not None:
        speed = words.rate(told.tokens / told.seconds if told.seconds else None, "tok")
        parts = [_counted(told.tokens, "token"), speed, f"first after {words.span(told.ttft_seconds)}"]
    else:
        parts = [f"~{_counted(exchange.pieces, 'token')}"] if exchange.pieces else []
    messages = _counted(len(conversation.exchanges), "message")
    so_far = f"{'~' if conversation.estimated else ''}{_counted(conversation.tokens, 'token')}"
    return " · ".join([*([how] if how else []), *parts, f"in all {messages}, {so_far}"])


def dropped(count: int) -> str:
    """Why the model no longer knows what was said at the beginning."""
    oldest = "The oldest question and its answer are" if count == 1 else f"The oldest {count} questions and answers are"
    return f"The context is full. {oldest} no longer sent."


def system_changed(before: str, after: str) -> str:
    """What became of the system message."""
    if after:
        return "The system message is set."
    return f"No system message any more. It was: {before}" if before else "There is no system message."


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
