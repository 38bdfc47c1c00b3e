"""One unit in the air: what it still has to compute, what it drew, and when it is over."""

from __future__ import annotations

import time

import llama_cpp as lib
import msgspec

from engines.llm.context import Stretch
from engines.llm.request import Answer, Finish
from engines.llm.sampling import Sampler
from engines.llm.text import TextOut
from engines.llm.vocabulary import Vocabulary
from ipc.errors import Problem, RequestFailed
from ipc.work import UnitOrder

ANSWER_BYTES = 60_000
"""An answer whose JSON grows over this ends with "length": a result may have 64 KiB."""


class Lane:
    """A sequence of the context that works on one order; `close` it.

    `pending` are tokens whose place in the cache is not computed yet: the prompt at first, then the token just drawn.
    """

    def __init__(
        self,
        order: UnitOrder,
        sequence: int,
        prompt: list[int],
        limit: int,
        stops: tuple[str, ...],
        sampler: Sampler,
    ) -> None:
        self.order = order
        self.sequence = sequence
        self.pending = prompt
        self.tokens = 0
        self.finish: Finish | None = None
        self.problem: Problem | None = None
        """Why it cannot go on; then there is no result."""
        self.ttft_seconds: float | None = None
        self._prompt_tokens = len(prompt)
        self._limit = limit
        self._sampler = sampler
        self._position = 0
        self._text = TextOut(stops)
        self._bytes = 0
        self._started = time.perf_counter()

    def next_stretch(self, room: int) -> Stretch:
        """As much of what is pending as fits into `room` tokens."""
        tokens = self.pending[:room]
        return Stretch(self.sequence, self._position, tokens, sample=len(tokens) == len(self.pending))

    def computed(self, stretch: Stretch) -> None:
        """The stretch is in the cache."""
        self._position += len(stretch.tokens)
        self.pending = self.pending[len(stretch.tokens) :]

    def draw(self, context: lib.llama_context_p, at: int, vocabulary: Vocabulary) -> str:
        """Draw the next token from what was computed at batch index `at`.

        Returns the text that may leave now, and sets `finish` once the answer is over, or `problem`.
        """
        try:
            token = self._sampler.draw(context, at)
        except RequestFailed as error:
            self.problem = error.problem
            return ""
        if self.ttft_seconds is None:
            self.ttft_seconds = self.seconds()
        if vocabulary.is_end(token):
            self.finish = "stop"
            return self._sized(self._text.finish())
        self.tokens += 1
        self.pending = [token]
        text = self._sized(self._text.feed(vocabulary.piece(token)))
        if self._text.stopped:
            self.finish = "stop"
        elif self.tokens >= self._limit or self._bytes > ANSWER_BYTES:
            self.finish = "length"
            text += self._sized(self._text.finish())
        return text

    def seconds(self) -> float:
        """Since this unit began."""
        return time.perf_counter() - self._started

    def result(self) -> str:
        """The answer as JSON text; only once `finish` is set."""
        assert self.finish is not None
        answer = Answer(self._text.text(), self.tokens, self._prompt_tokens, self.finish)
        return msgspec.json.encode(answer).decode()

    def close(self) -> None:
        """Give the sampler back."""
        self._sampler.close()

    def _sized(self, text: str) -> str:
        self._bytes += len(msgspec.json.encode(text)) - 2
        return text
