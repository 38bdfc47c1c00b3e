"""A report, a flight and a sky that remember what an engine told them, whatever its kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from engines.contract import Flight
from ipc.errors import Problem
from ipc.work import UnitOrder


@dataclass
class Heard:
    """A report; `cancel_at` stops a load once it is so far."""

    steps: int = 0
    produced: int = 0
    words: str = ""
    fractions: list[float] = field(default_factory=list)
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
        return self.cancel_at is not None and max(self.fractions, default=0.0) >= self.cancel_at


@dataclass(frozen=True)
class Told:
    """What was told of one unit at its end."""

    result: str
    tokens: int
    seconds: float
    ttft_seconds: float | None
    audio_seconds: float | None
    confidence: float | None
    data: bytes | None


class Flying:
    """A flight of these orders, each of which ends once; `gone` cancels it."""

    def __init__(self, orders: Iterable[UnitOrder], *, stream: bool, deterministic: bool) -> None:
        self.id = 1
        self.orders = tuple(orders)
        self.stream, self.deterministic = stream, deterministic
        self.gone = False
        self.told: dict[int, Told] = {}
        self.problems: dict[int, Problem] = {}
        self.ended: list[int] = []
        """In the order in which they did."""

    def cancelled(self) -> bool:
        return self.gone

    def fed(self) -> tuple[bytes, bool]:
        raise AssertionError("nothing is fed")

    def piece(self, order: UnitOrder, text: str) -> None:
        raise AssertionError("it does not come in pieces")

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
        told = Told(result, tokens, seconds, ttft_seconds, audio_seconds, confidence, data)
        self._end(order)
        self.told[order.index] = told
        self.heard(order.index, told)

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        self._end(order)
        self.problems[order.index] = problem

    def heard(self, index: int, told: Told) -> None:
        """Look at what a unit came to."""

    def _end(self, order: UnitOrder) -> None:
        assert order.index not in self.ended, "a unit ends once"
        self.ended.append(order.index)


class Sky:
    """A sky where these flights wait, people first, and others may come: `then` is called at each look.

    `rests`: the engine may wait for those who speak to it.
    """

    def __init__(self, *flights: Flight, then: Callable[[Sky], None] = lambda _: None, rests: bool = False) -> None:
        self.waiting = list(flights)
        self.landed: list[Flight] = []
        self.looks = 0
        self._then = then
        self._rests = rests

    def board(self) -> Flight | None:
        self.waiting.sort(key=lambda flight: not flight.stream)
        return self.waiting.pop(0) if self.waiting else None

    def land(self, flight: Flight) -> None:
        self.landed.append(flight)

    def attend(self) -> None:
        self.looks += 1
        self._then(self)

    def rest(self, seconds: float) -> None:
        assert self._rests, "nobody who computes sleeps"
        threading.Event().wait(seconds)
