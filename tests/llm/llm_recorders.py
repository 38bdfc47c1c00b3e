"""A flight that remembers its answers, and what every test of this room needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flying_kit import Flying, Told

import engines.llm.miniature
from ipc.work import UnitOrder

MINIATURE = Path(str(engines.llm.miniature.__file__)).with_name("miniature-f16.gguf")

QUESTIONS = (
    "What is a token?",
    "Why do we batch requests?",
    "Explain the KV cache.",
    "What is quantization?",
    "Who are you?",
    "Tell me a short story.",
    "What is an embedding?",
)


@dataclass(frozen=True)
class Done:
    """What `done` was told about one unit."""

    answer: str
    tokens: int
    prompt_tokens: int
    finish: str
    cached_tokens: int
    seconds: float
    ttft_seconds: float | None


class Orders(Flying):
    """A flight over these requests, indexed from 0; `cancelled` is asked before each step."""

    def __init__(
        self,
        requests: Sequence[dict[str, Any]],
        *,
        stream: bool = False,
        deterministic: bool = True,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        orders = (UnitOrder("job", i, json.dumps(request)) for i, request in enumerate(requests))
        super().__init__(orders, stream=stream, deterministic=deterministic)
        self._cancelled = cancelled
        self.pieces: dict[int, list[str]] = {}
        self.results: dict[int, Done] = {}

    def cancelled(self) -> bool:
        return self._cancelled()

    def piece(self, order: UnitOrder, text: str) -> None:
        assert self.stream
        assert text
        self.pieces.setdefault(order.index, []).append(text)

    def heard(self, index: int, told: Told) -> None:
        assert (told.audio_seconds, told.data) == (None, None)
        assert len(told.result.encode()) <= 64 * 1024
        content = json.loads(told.result)
        assert content["tokens"] == told.tokens
        self.results[index] = Done(**content, seconds=told.seconds, ttft_seconds=told.ttft_seconds)

    def answers(self) -> list[str]:
        """In the order of the units."""
        return [self.results[index].answer for index in sorted(self.results)]


def questions(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many short questions that the miniature can answer."""
    return [{"prompt": QUESTIONS[i % len(QUESTIONS)], **more} for i in range(count)]
