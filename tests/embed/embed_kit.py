"""Flights and reports that remember what they heard, the real engine, and the vectors that are right."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.contract import Flight
from engines.embed.loaded import Loaded
from engines.embed.settings import EmbedSettings
from engines.gpu_memory import GpuMemory
from ipc.errors import Problem
from ipc.work import UnitOrder

DIMENSIONS = 384
REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())
TEXTS: list[str] = REFERENCE["texts"]


def numbers(encoded: str, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """The vectors in base64, [texts, dimensions]."""
    return np.frombuffer(base64.b64decode(encoded), "<f4").reshape(-1, dimensions)


EXPECTED = numbers(REFERENCE["vectors"])


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each row with the other's, in float64: float32 sums of 384 products would hide the last digits."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    found: NDArray[np.float64] = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return found


@dataclass
class Heard:
    """A report."""

    produced: int = 0
    words: str = ""
    fractions: list[float] = field(default_factory=list)

    def step(self) -> None:
        """Nothing is counted."""

    def tokens(self, count: int) -> None:
        self.produced += count

    def loading(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def say(self, words: str) -> None:
        self.words = words

    def cancelled(self) -> bool:
        return False


class Asked:
    """A flight whose units have these payloads; `file` is where the only unit of a job leaves its vectors."""

    def __init__(self, *payloads: Any, stream: bool = True, deterministic: bool = False) -> None:
        self.id = 1
        file = "" if stream else "/kept/by/the/runtime"
        self.orders = tuple(UnitOrder("j", at, json.dumps(payload), file) for at, payload in enumerate(payloads))
        self.stream, self.deterministic = stream, deterministic
        self.gone = False
        self.results: dict[int, dict[str, Any]] = {}
        self.problems: dict[int, Problem] = {}
        self.data: dict[int, bytes] = {}

    def cancelled(self) -> bool:
        return self.gone

    def fed(self) -> tuple[bytes, bool]:
        return b"", False

    def piece(self, order: UnitOrder, text: str) -> None:
        raise AssertionError("vectors do not come in pieces")

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
        assert order.index not in self.results, "a unit ends once"
        self.results[order.index] = json.loads(result)
        assert self.results[order.index]["tokens"] == tokens
        if data is not None:
            self.data[order.index] = data

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        self.problems[order.index] = problem

    def vectors(self, index: int = 0) -> NDArray[np.float32]:
        """Of one unit, [texts, dimensions]."""
        if index in self.data:
            return np.frombuffer(self.data[index], "<f4").reshape(-1, DIMENSIONS)
        return numbers(self.results[index]["vectors"])


def texts(*told: str, **more: Any) -> Asked:
    """An interactive request."""
    return Asked({"texts": list(told)}, **more)


class Sky:
    """A sky where these flights wait, people first, and others may come: `then` is called at each look."""

    def __init__(self, *flights: Asked, then: Callable[[Sky], None] = lambda _: None) -> None:
        self.waiting = list(flights)
        self.landed: list[Flight] = []
        self._then = then

    def board(self) -> Flight | None:
        self.waiting.sort(key=lambda flight: not flight.stream)
        return self.waiting.pop(0) if self.waiting else None

    def land(self, flight: Flight) -> None:
        self.landed.append(flight)

    def attend(self) -> None:
        self._then(self)

    def rest(self, seconds: float) -> None:
        raise AssertionError("nobody who computes sleeps")


class Counted(Loaded):
    """The real one, which notes what each run computes: the lengths of its texts, in tokens."""

    def __init__(self, **settings: Any) -> None:
        self.heard = Heard()
        super().__init__(EmbedSettings(threads=1, **settings), self.heard, GpuMemory())
        self.runs: list[list[int]] = []
        encode = self._encoder.vectors

        def counting(ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
            self.runs.append([len(one) for one in ids])
            return encode(ids)

        self._encoder.vectors = counting  # type: ignore[method-assign]

    def ask(self, *flights: Asked, then: Callable[[Sky], None] = lambda _: None) -> Sky:
        """Fly these to their end."""
        sky = Sky(*flights, then=then)
        self.fly(sky)
        return sky
