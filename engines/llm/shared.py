"""How far a prompt is the same whatever is asked: the system message, as the chat template writes it.

The same system message is rendered with two different questions; what their tokens share belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.llm.chat import Chat
from engines.llm.prefixes import WORTH_TOKENS, common
from engines.llm.request import Message
from engines.llm.vocabulary import Vocabulary
from ipc.errors import RequestFailed

_QUESTIONS = ("Why?", "0 = x")
_KNOWN = 256
"""So many system messages are remembered."""


@dataclass(frozen=True, eq=False)
class Shared:
    """The tokens that every conversation under one system message begins with."""

    tokens: Sequence[int]


class SharedParts:
    """Finds them, once for each system message."""

    def __init__(self, chat: Chat, vocabulary: Vocabulary) -> None:
        self._chat, self._vocabulary = chat, vocabulary
        self._known: dict[Message | None, Shared | None] = {}

    def of(self, turns: Sequence[Message], prompt: Sequence[int]) -> Shared | None:
        """The shared part of this conversation, whose tokens are `prompt`; None where it is not worth keeping."""
        system = turns[0] if turns[0].role == "system" else None
        if system not in self._known:
            self._learn(system)
        shared = self._known[system]
        if shared is None or _begins(prompt, shared):
            return shared
        self._learn(system)  # a template may write the date
        shared = self._known[system]
        return shared if shared is not None and _begins(prompt, shared) else None

    def of_system(self, text: str) -> Shared | None:
        """As `of`, before anything is asked."""
        system = Message("system", text)
        self._learn(system)
        return self._known[system]

    def _learn(self, system: Message | None) -> None:
        if len(self._known) >= _KNOWN:
            del self._known[next(iter(self._known))]
        before = () if system is None else (system,)
        try:
            one, other = (
                self._vocabulary.tokens(self._chat.prompt((*before, Message("user", text)))) for text in _QUESTIONS
            )
        except RequestFailed:
            self._known[system] = None
            return
        count = common(one, other)
        self._known[system] = Shared(one[:count]) if count >= WORTH_TOKENS else None


def _begins(prompt: Sequence[int], shared: Shared) -> bool:
    count = len(shared.tokens)
    return len(prompt) > count and prompt[:count] == shared.tokens
