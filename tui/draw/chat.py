"""How a conversation looks: questions, answers, how each ended, and what is under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ipc import states
from ipc.chat.conversation import Conversation, Exchange
from ipc.chat.orders import HELP
from ipc.snapshot import EngineRow
from tui import measures
from tui.draw import engine_words
from tui.draw.facts import fact
from tui.ink import BLANK, Line, Span, Tone, clean, line, spread, wrap
from tui.store import Store

_INDENT = 3
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PATIENCE_SECONDS = 2
"""After so long it is told how long the wait is."""
_ENDS = {"stopped": "stopped", "cut": "cut off at a limit", "died": "died", "failed": "failed"}


def question(text: str, width: int) -> Sequence[Line]:
    """What the reader said, with a row above it."""
    rows = [row for part in text.split("\n") for row in _rows(part, width)]
    marks = [" > ", *[" " * _INDENT] * (len(rows) - 1)]
    told = [line(Span(mark, "key"), Span(row, "strong")) for mark, row in zip(marks, rows, strict=True)]
    return [BLANK, *told]


def answer(text: str, width: int) -> Sequence[Line]:
    """One line of an answer."""
    return [line(Span(" " * _INDENT), Span(row)) for row in _rows(text, width)]


def ending(exchange: Exchange, width: int) -> Sequence[Line]:
    """What went wrong, if anything did, and what was measured."""
    lines: list[Line] = []
    if exchange.dropped:
        count = exchange.dropped
        oldest = f"{count} questions and answers are" if count > 1 else "question and its answer are"
        lines += _said(f"The context is full. The oldest {oldest} no longer sent.", "waiting", width)
    if (problem := exchange.problem) is not None:
        lines += _said(f"{problem.title}: {problem.detail} {problem.hint}".strip(), "bad", width)
    if problem is None or exchange.answer:
        lines += _said(measured(exchange), "dim", width)
    return lines


def measured(exchange: Exchange) -> str:
    """`23 tokens · 212 tok/s · first after 40 ms`; a count of pieces wears a `~`."""
    how, told = _ENDS.get(exchange.end or ""), exchange.numbers
    if told is not None:
        speed = measures.rate(told.tokens / told.seconds if told.seconds else None)
        parts = [measures.plural(told.tokens, "token"), speed, f"first after {measures.latency(told.ttft_seconds)}"]
    else:
        parts = [f"~{measures.plural(exchange.pieces, 'token')}"] if exchange.pieces else []
    return " · ".join([*([how] if how else []), *parts])


def help_rows(about: str, width: int) -> Sequence[Line]:
    """What can be typed besides messages."""
    lines = [BLANK, *(_said(about, "waiting", width) if about else [])]
    for typed, told in HELP:
        first, *more = wrap(told, max(8, width - 20))
        lines.append(line(Span(f"   {typed:14}", "key"), Span(first, "dim")))
        lines += [line(Span(" " * 17), Span(row, "dim")) for row in more]
    return lines


def note(text: str, width: int) -> Sequence[Line]:
    """What is said in passing."""
    return _said(text, "dim", width)


def facts(store: Store, name: str, conversation: Conversation, width: int) -> list[Line]:
    """With whom, in which state, and how much was said."""
    row = store.engines.get(name)
    if row is None:
        return [line(Span(f" {name} is no longer configured.", "warn"))]
    glyph, words, tone = engine_words.row_words(row, store.monotonic)
    model = " ".join(filter(None, (row.model, row.quantization)))
    who = (Span(" chat  ", "dim"), Span(name, "strong"), Span(f"  {glyph} {words}", tone))
    count = len(conversation.exchanges)
    written = f"{'~' if conversation.estimated else ''}{conversation.tokens:,} tokens"
    so_far = (Span(f"{measures.plural(count, 'message')} · {written} ", "dim"),) if count else (Span(""),)
    lines = [spread([(*who, Span(f"  {clean(model)}", "dim")), who], so_far, width)]
    return lines + (fact("system", conversation.system, width) if conversation.system else [])


class Sign(NamedTuple):
    """The typing sign: for how many seconds, in which turn, and the way out."""

    waited: float
    turn: int
    help: str


def under_way(store: Store, name: str, exchange: Exchange | None, sign: Sign, width: int) -> Line:
    """A rule; while an answer is on its way, what it waits for or how it goes stands in it."""
    if exchange is None:
        return line(Span("─" * width, "rule"))
    row = store.engines.get(name)
    if exchange.pieces:
        speed = measures.rate(row.tokens_per_second if row else None)
        told = f"~{exchange.pieces} tokens · {speed} · {sign.help}"
    else:
        late = [f"{sign.waited:.0f} s"] if sign.waited >= _PATIENCE_SECONDS else []
        told = " · ".join([*_waits_for(store, row), *late, sign.help])
    text = f" {_FRAMES[sign.turn % len(_FRAMES)]} {told} "
    return spread([(Span("──", "rule"), Span(text, "waiting")), (Span(text, "waiting"),)], (), width)


def _waits_for(store: Store, row: EngineRow | None) -> list[str]:
    if row is None or (isinstance(row.state, states.Ready) and not row.hold):
        return []
    return [f"{row.name}: {engine_words.row_words(row, store.monotonic)[1]}"]


def _rows(text: str, width: int) -> list[str]:
    return wrap(clean(text), max(8, width - _INDENT - 1))


def _said(text: str, tone: Tone, width: int) -> list[Line]:
    return [line(Span(" " * _INDENT), Span(row, tone)) for row in _rows(text, width)]
