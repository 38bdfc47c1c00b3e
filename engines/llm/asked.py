"""From an order to what is computed for it: the request, its prompt in tokens, and how long its answer may get."""

from __future__ import annotations

from dataclasses import dataclass

from engines.llm.chat import Chat
from engines.llm.request import Message, Request, parse
from engines.llm.settings import LlmSettings
from engines.llm.shared import Shared, SharedParts
from engines.llm.vocabulary import Vocabulary
from ipc.errors import Problem, RequestFailed
from ipc.work import UnitOrder


@dataclass(frozen=True)
class Asked:
    """One order, understood. `room` is what the context has beside the prompt, in tokens."""

    order: UnitOrder
    request: Request
    prompt: list[int]
    room: int
    shared: Shared | None

    def limit(self, settings: LlmSettings) -> int:
        """The most tokens of the answer."""
        return min(self.request.max_tokens or settings.max_tokens, self.room)


class Asking:
    """What it takes to understand orders, for one model and context length."""

    def __init__(self, vocabulary: Vocabulary, chat: Chat, context_tokens: int) -> None:
        self._vocabulary, self._context_tokens = vocabulary, context_tokens
        self.use(chat)

    def use(self, chat: Chat) -> None:
        """Write prompts by this template from now on."""
        self._chat = chat
        self.shared = SharedParts(chat, self._vocabulary)

    def asked(self, order: UnitOrder, settings: LlmSettings) -> Asked:
        """Raises RequestFailed: it cannot be understood, or does not fit."""
        request = parse(order.payload)
        turns = request.turns()
        if settings.system_prompt and turns[0].role != "system":
            turns = (Message("system", settings.system_prompt), *turns)
        text = turns[-1].content if request.raw else self._chat.prompt(turns)
        prompt = self._vocabulary.tokens(text)
        room = self._context_tokens - len(prompt)
        if not prompt:
            raise RequestFailed(Problem("Empty prompt", "The prompt has no tokens.", "Write something to answer."))
        if room < 1:
            raise RequestFailed(
                Problem(
                    "Prompt too long",
                    f"The prompt has {len(prompt)} tokens and the context {self._context_tokens}.",
                    "Shorten it, or raise `n_ctx` where the model allows it.",
                )
            )
        shared = None if request.raw else self.shared.of(turns, prompt)
        return Asked(order, request, prompt, room, shared)
