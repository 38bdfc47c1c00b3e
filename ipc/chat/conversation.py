"""A conversation with a language model: what was said, how each answer ended, and what of it is sent. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ipc.control import Answered
from ipc.errors import Problem

End: TypeAlias = Literal["whole", "cut", "stopped", "died", "failed"]
"""`cut` at a limit of length, `stopped` by the reader, `died` with the engine; `failed` for any other reason."""

TOO_LONG = "Prompt too long"
"""The title with which an engine refuses what does not fit into its context."""
_BOTH_NUMBERS = re.compile(r"(\d+) tokens and the context (\d+)")
_SHARE_OF_CONTEXT = 0.75
"""What is sent after the oldest was dropped; the rest is for the answer and the next messages."""


@dataclass
class Exchange:
    """A question and its answer; `end` is None while it is being answered, `problem` what kept it from being whole."""

    question: str
    answer: str = ""
    end: End | None = None
    problem: Problem | None = None
    dropped: int = 0
    """So many older exchanges were dropped so that this one fits into the context."""
    pieces: int = 0
    numbers: Answered | None = None
    """What was measured; only of an answer that the engine ended itself."""


@dataclass
class Conversation:
    """`asks`, then `add` as it comes, then one of `answered`, `stop` and `fail`. `options` go with each request."""

    system: str = ""
    options: Mapping[str, int | float] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    forgotten: int = 0
    """So many of the first exchanges are no longer sent."""

    @property
    def open(self) -> Exchange | None:
        """The exchange that is being answered."""
        last = self.exchanges[-1] if self.exchanges else None
        return last if last is not None and last.end is None else None

    @property
    def tokens(self) -> int:
        """Written so far; of answers that did not end by themselves the pieces are counted (see `estimated`)."""
        return sum(tokens_of(one) for one in self.exchanges)

    @property
    def estimated(self) -> bool:
        """Whether `tokens` holds a count of pieces."""
        return any(one.numbers is None and one.pieces for one in self.exchanges)

    def ask(self, question: str) -> Exchange:
        """A new message, to be answered."""
        self.exchanges.append(Exchange(question))
        return self.exchanges[-1]

    def again(self) -> Exchange | None:
        """The last message, to be answered once more; its answer is forgotten. None where there is none."""
        return self.ask(self.exchanges.pop().question) if self.exchanges else None

    def clear(self) -> None:
        """Begin anew, with the same system message."""
        self.exchanges, self.forgotten = [], 0

    def add(self, text: str) -> None:
        """The next characters of the answer."""
        if (now := self.open) is not None:
            now.answer += text
            now.pieces += 1

    def answered(self, item: Answered) -> None:
        """The engine ended the answer."""
        if (now := self.open) is not None:
            result = json.loads(item.result)
            now.answer, now.numbers = str(result.get("answer", now.answer)), item
            now.end = "cut" if result.get("finish") == "length" else "whole"

    def stop(self) -> None:
        """The reader ended the answer; what there is of it stays."""
        if (now := self.open) is not None:
            now.end = "stopped"

    def fail(self, problem: Problem, *, died: str | None = None) -> None:
        """There is no more; `died` is all that came of an engine that is gone."""
        if (now := self.open) is not None:
            now.end, now.problem = "failed" if died is None else "died", problem
            if died and len(died) > len(now.answer):
                now.answer, now.pieces = died, now.pieces + 1

    def shorten(self, refusal: Problem) -> bool:
        """Whether older exchanges were dropped because of this refusal, so that it is worth asking again."""
        now = self.open
        if now is None or refusal.title != TOO_LONG:
            return False
        sizes = [len(one.question) + len(one.answer) for one in self.exchanges]
        kept = self._sent()
        over = sum(map(len, (self.system, now.question))) + sum(sizes[index] for index in kept)
        if (numbers := _BOTH_NUMBERS.search(refusal.detail)) is not None:
            over -= round(over * _SHARE_OF_CONTEXT * int(numbers[2]) / int(numbers[1]))
        for count, index in enumerate(kept, 1):
            over -= sizes[index]
            if over <= 0 or numbers is None or count == len(kept):
                self.forgotten = index + 1
                now.dropped += count
                return True
        return False

    def messages(self) -> list[dict[str, str]]:
        """What is sent: turns that alternate, so a question that got no answer is left out unless it is the last."""
        said = [{"role": "system", "content": self.system}] if self.system else []
        for one in (self.exchanges[index] for index in self._sent()):
            said += [{"role": "user", "content": one.question}, {"role": "assistant", "content": one.answer}]
        return said + ([{"role": "user", "content": self.open.question}] if self.open else [])

    def payload(self) -> str:
        """The request as the JSON text of one unit of kind `llm`."""
        return json.dumps({"messages": self.messages(), **self.options}, ensure_ascii=False)

    def _sent(self) -> list[int]:
        """Indexes of the exchanges that are sent besides the open one."""
        known = enumerate(self.exchanges[self.forgotten :], self.forgotten)
        return [index for index, one in known if one.end is not None and one.answer.strip()]


def tokens_of(exchange: Exchange) -> int:
    """Tokens of its answer; where nobody measured them, the pieces in which it came."""
    return exchange.numbers.tokens if exchange.numbers else exchange.pieces
