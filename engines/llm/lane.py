"""One unit in the air: what it still has to compute, what it drew, and when it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import llama_cpp as lib
import msgspec

from engines.llm.asked import Asked
from engines.llm.batch import Stretch
from engines.llm.request import Answer, Finish
from engines.llm.sampling import Sampler, Sampling, resolve
from engines.llm.settings import LlmSettings
from engines.llm.shared import Shared
from engines.llm.text import TextOut
from engines.llm.vocabulary import Vocabulary
from ipc.errors import Problem, RequestFailed

if TYPE_CHECKING:
    from engines.llm.aboard import Aboard

ANSWER_BYTES = 60_000
"""An answer whose JSON grows over this ends with "length": a result may have 64 KiB."""
_CHARACTER_BYTES = 6
"""The most that one character takes in JSON."""


class Lane:
    """A sequence of the context that works on one order; `close` it.

    Of `tokens`, the prompt and what was drawn, the first `position` are in the cache.

    Raises:
        RequestFailed: its grammar cannot be used.
    """

    def __init__(self, number: int, asked: Asked, aboard: Aboard, vocabulary: Vocabulary, sequence: int) -> None:
        self.number = number
        """The older, the lower."""
        self.asked, self.aboard = asked, aboard
        self.order = asked.order
        self.person = aboard.flight.stream
        self.sequence = sequence
        self.tokens = asked.prompt.copy()
        self.position = 0
        self.shared: Shared | None = None
        """The part of the prompt that is to be saved once it is computed."""
        self.state: bytearray | None = None
        """While it is suspended: what its cache held."""
        self.written = 0
        self.finish: Finish | None = None
        self.problem: Problem | None = None
        """Why it cannot go on; then there is no result."""
        self.ttft_seconds: float | None = None
        self._cached = 0
        self._vocabulary = vocabulary
        self._pieces = vocabulary.pieces
        self._sampling = self._resolved(aboard.settings)
        self._sampler = Sampler(self._sampling, vocabulary)
        self._limit = asked.limit(aboard.settings)
        self._text = TextOut(asked.request.stops())
        self._unmeasured = ANSWER_BYTES // _CHARACTER_BYTES
        """So many characters more surely fit."""
        self._started = aboard.began if self.person else time.perf_counter()

    @property
    def over(self) -> bool:
        """Whether it ended, in whichever way."""
        return self.finish is not None or self.problem is not None

    @property
    def pending(self) -> int:
        """Tokens that are not in the cache yet."""
        return len(self.tokens) - self.position

    def found(self, count: int) -> None:
        """So many tokens of the prompt are in its cache that were computed before."""
        self.position = self._cached = count
        if self.shared is not None and count >= len(self.shared.tokens):
            self.shared = None

    def stretch(self, room: int) -> Stretch:
        """As much of what is pending as fits into `room` tokens, and is to be computed in one go."""
        end = len(self.tokens) if self.shared is None else len(self.shared.tokens)
        end = min(end, self.position + room)
        return Stretch(self.sequence, self.position, self.tokens[self.position : end], sample=end == len(self.tokens))

    def draw(self, context: lib.llama_context_p, at: int) -> str:
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
        try:
            piece = self._pieces[token]
        except KeyError:
            piece = self._vocabulary.piece(token)
        if piece is None:
            self.finish = "stop"
            return self._text.finish()
        self.tokens.append(token)
        self.written += 1
        text = self._text.feed(piece)
        self._unmeasured -= len(text)
        if self._text.stopped:
            self.finish = "stop"
        elif self.written >= self._limit or (self._unmeasured < 0 and self._too_long()):
            self.finish = "length"
            text += self._text.finish()
        return text

    def retune(self, settings: LlmSettings) -> None:
        """Go on with other settings from the next token on."""
        self._limit = self.asked.limit(settings)
        sampling = self._resolved(settings)
        if sampling != self._sampling:
            self._sampler.close()
            self._sampling, self._sampler = sampling, Sampler(sampling, self._vocabulary)
            self._sampler.accept(self.tokens[len(self.asked.prompt) :])

    def seconds(self) -> float:
        """Since this unit began; a person's since it was heard."""
        return time.perf_counter() - self._started

    def result(self) -> str:
        """The answer as JSON text; only once `finish` is set."""
        assert self.finish is not None
        answer = Answer(self._text.text(), self.written, len(self.asked.prompt), self.finish, self._cached)
        return msgspec.json.encode(answer).decode()

    def close(self) -> None:
        """Give the sampler back."""
        self._sampler.close()

    def _resolved(self, settings: LlmSettings) -> Sampling:
        return resolve(self.asked.request, settings, self.order.index, deterministic=self.aboard.flight.deterministic)

    def _too_long(self) -> bool:
        left = ANSWER_BYTES - (len(msgspec.json.encode(self._text.text())) - 2)
        self._unmeasured = left // _CHARACTER_BYTES
        return left < 0
