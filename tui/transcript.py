"""A conversation as entries of a text that grows: each is told once, but for the line still being written. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ipc.chat.conversation import Conversation, Exchange
from tui.draw import chat as draw
from tui.ink import Line

Entry = Callable[[int], Sequence[Line]]


class Transcript:
    """How far a conversation was told."""

    def __init__(self) -> None:
        self._exchange = 0
        self._asked = False
        self._told = 0

    def fresh(self, conversation: Conversation) -> tuple[list[Entry], Entry | None]:
        """Entries that are new, and the line that is not whole yet."""
        entries: list[Entry] = []
        while self._exchange < len(conversation.exchanges):
            exchange = conversation.exchanges[self._exchange]
            entries += self._question(exchange)
            *lines, rest = exchange.answer[self._told :].split("\n")
            entries += [partial(draw.answer, line) for line in lines]
            self._told = len(exchange.answer) - len(rest)
            if exchange.end is None:
                return entries, partial(draw.answer, rest) if rest else None
            entries += [partial(draw.answer, rest)] if rest else []
            entries.append(partial(draw.ending, exchange))
            self._exchange, self._asked, self._told = self._exchange + 1, False, 0
        return entries, None

    def _question(self, exchange: Exchange) -> list[Entry]:
        if self._asked:
            return []
        self._asked = True
        return [partial(draw.question, exchange.question)]
