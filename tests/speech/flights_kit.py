"""Flights and a report that remember what they heard, and the real engine on a miniature."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engines.contract import Flight
from engines.tts.unit import Unit, encode
from ipc.errors import Problem
from ipc.speech import Said, Spoken, Wish
from ipc.work import UnitOrder

TEXT = "The boiler feeds the engine, and the engine turns the wheel."


@dataclass
class Heard:
    """A report."""

    produced: int = 0
    words: str = ""
    fractions: list[float] = field(default_factory=list)
    unwanted: bool = False

    def step(self) -> None:
        """Nothing is counted."""

    def tokens(self, count: int) -> None:
        self.produced += count

    def loading(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def say(self, words: str) -> None:
        self.words = words

    def cancelled(self) -> bool:
        return self.unwanted


def unit(text: str, **more: Any) -> str:
    """A planned chunk as its payload."""
    return encode(Unit(text, more.pop("language", "en"), (), **more))


def ask(text: str, **more: Any) -> str:
    """What a person wants to hear, as its payload."""
    return msgspec.json.encode(Wish(text=text, **more)).decode()


class Asked:
    """A flight whose orders have these payloads; those of a job may leave a file."""

    def __init__(self, *payloads: str, stream: bool = False, deterministic: bool = False, take: int = 0) -> None:
        self.id = 1
        file = "" if stream else "/kept/by/the/runtime"
        self.orders = tuple(UnitOrder("j", at, payload, file, take) for at, payload in enumerate(payloads))
        self.stream, self.deterministic = stream, deterministic
        self.gone = False
        self.results: dict[int, str] = {}
        self.problems: dict[int, Problem] = {}
        self.files: dict[int, bytes] = {}
        self.seconds: dict[int, float] = {}

    def cancelled(self) -> bool:
        return self.gone

    def fed(self) -> tuple[bytes, bool]:
        return b"", False

    def piece(self, order: UnitOrder, text: str) -> None:
        raise AssertionError("sound does not come in pieces")

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
        assert seconds >= 0
        assert ttft_seconds is None
        assert audio_seconds is not None
        self.results[order.index] = result
        self.seconds[order.index] = audio_seconds
        if data is not None:
            self.files[order.index] = data

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        self.problems[order.index] = problem

    def said(self, index: int = 0) -> Said:
        """What was told of a unit."""
        if self.stream:
            return self.spoken(index).said
        return msgspec.json.decode(self.results[index], type=Said)

    def spoken(self, index: int = 0) -> Spoken:
        """The answer to a person."""
        return msgspec.json.decode(self.results[index], type=Spoken)

    def file(self, index: int = 0) -> bytes:
        """The sound, whoever it was for."""
        return base64.b64decode(self.spoken(index).audio) if self.stream else self.files[index]

    def digest(self) -> str:
        """Of everything that it was told."""
        told = [self.results[at] + hashlib.sha256(self.file(at)).hexdigest() for at in sorted(self.results)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


class Sky:
    """A sky where these flights wait, people first, and others may come: `then` is called at each look."""

    def __init__(self, *flights: Asked, then: Callable[[Sky], None] = lambda _: None) -> None:
        self.waiting = list(flights)
        self.landed: list[Flight] = []
        self.looks = 0
        self._then = then

    def board(self) -> Flight | None:
        self.waiting.sort(key=lambda flight: not flight.stream)
        return self.waiting.pop(0) if self.waiting else None

    def land(self, flight: Flight) -> None:
        self.landed.append(flight)

    def attend(self) -> None:
        self.looks += 1
        self._then(self)

    def rest(self, seconds: float) -> None:
        raise AssertionError("nobody who computes sleeps")
