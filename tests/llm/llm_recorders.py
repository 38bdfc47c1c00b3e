"""A `Report` and a `Flight` that remember what they heard, and what every test of this room needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import engines.llm.miniature
from engines.contract import Flight
from ipc.errors import Problem
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


@dataclass
class Recorder:
    """A report; `cancel_at` stops a load once it is so far."""

    steps: int = 0
    produced: int = 0
    fractions: list[float] = field(default_factory=list)
    words: str = ""
    cancel_at: float | None = None

    def step(self) -> None:
        self.steps += 1

    def tokens(self, count: int) -> None:
        self.produced += count

    def loading(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def say(self, words: str) -> None:
        self.words = words

    def cancelled(self) -> bool:
        return self.cancel_at is not None and bool(self.fractions) and self.fractions[-1] >= self.cancel_at


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


class Waiting:
    """A sky where these flights wait, in this order; `landed` are those that ended."""

    def __init__(self, *flights: Flight) -> None:
        self._flights = list(flights)
        self.landed: list[Flight] = []

    def board(self) -> Flight | None:
        return self._flights.pop(0) if self._flights else None

    def land(self, flight: Flight) -> None:
        self.landed.append(flight)

    def attend(self) -> None:
        """No change waits."""

    def rest(self, seconds: float) -> None:
        raise AssertionError("nobody who computes sleeps")


class Orders:
    """A flight over these requests, indexed from 0; `cancelled` is asked before each step."""

    def __init__(
        self,
        requests: Sequence[dict[str, Any]],
        *,
        stream: bool = False,
        deterministic: bool = True,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.id = 1
        self.orders = tuple(UnitOrder("job", i, json.dumps(request)) for i, request in enumerate(requests))
        self.stream, self.deterministic = stream, deterministic
        self._cancelled = cancelled
        self.pieces: dict[int, list[str]] = {}
        self.results: dict[int, Done] = {}
        self.problems: dict[int, Problem] = {}
        self.ended: list[int] = []

    def cancelled(self) -> bool:
        return self._cancelled()

    def fed(self) -> tuple[bytes, bool]:
        return b"", False

    def piece(self, order: UnitOrder, text: str) -> None:
        assert self.stream
        assert text
        self.pieces.setdefault(order.index, []).append(text)

    def done(
        self,
        order: UnitOrder,
        result: str,
        *,
        tokens: int,
        seconds: float,
        ttft_seconds: float | None,
        audio_seconds: float | None = None,
        confidence: float | None = None,
        data: bytes | None = None,
    ) -> None:
        assert (audio_seconds, data) == (None, None)
        assert len(result.encode()) <= 64 * 1024
        content = json.loads(result)
        assert content["tokens"] == tokens
        self.results[order.index] = Done(**content, seconds=seconds, ttft_seconds=ttft_seconds)
        self.ended.append(order.index)

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        self.problems[order.index] = problem
        self.ended.append(order.index)

    def answers(self) -> list[str]:
        """In the order of the units."""
        return [self.results[index].answer for index in sorted(self.results)]


def questions(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many short questions that the miniature can answer."""
    return [{"prompt": QUESTIONS[i % len(QUESTIONS)], **more} for i in range(count)]
