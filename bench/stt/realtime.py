"""A live flight in a time of its own: sound comes as it is spoken, and only computing takes time besides."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.stt.listening.live import LiveFlight
from engines.stt.unit import RATE
from ipc.errors import Problem
from ipc.hearing import Listened, Live
from ipc.work import UnitOrder

FEED_SECONDS: Final = 0.05
"""So much sound a microphone hands over at once."""
_LINES = msgspec.json.Decoder(Live)


class FedFlight:
    """A flight that is fed by hand, and keeps its lines with the moment in which they were said."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.id = 1
        self.orders = (UnitOrder("", 0, '{"live":true}'),)
        self.stream, self.deterministic = True, False
        self.gone = False
        self.waiting = b""
        self.all_fed = False
        self.lines: list[tuple[float, Live]] = []
        self.listened: Listened | None = None
        self.tokens = 0
        self._clock = clock

    def cancelled(self) -> bool:
        return self.gone

    def fed(self) -> tuple[bytes, bool]:
        data, self.waiting = self.waiting, b""
        return data, self.all_fed

    def piece(self, order: UnitOrder, text: str) -> None:
        assert text.endswith("\n")
        self.lines.append((self._clock(), _LINES.decode(text)))

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
        assert self.listened is None, "it ends once"
        self.listened = msgspec.json.decode(result, type=Listened)
        assert audio_seconds is not None
        self.tokens = tokens

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        raise AssertionError(problem)

    @property
    def committed(self) -> str:
        """What the reader saw as committed."""
        return "".join(commit for _, commit in self.commits)

    @property
    def commits(self) -> list[tuple[float, str]]:
        """When it was committed."""
        return [(at, line.commit) for at, line in self.lines]


@dataclass
class RealTime:
    """Seconds of CPU of this process pass in it, and the sound's own: what other programs take is not measured."""

    now: float = 0.0
    steps: list[float] = field(default_factory=list)
    """Seconds that each took."""
    _began: float = 0.0

    def __call__(self) -> float:
        return self.now + (time.process_time() - self._began if self._began else 0.0)

    def speak(self, live: LiveFlight, flight: FedFlight, samples: NDArray[np.int16]) -> None:
        """Feed all of it, a twentieth of a second at a time, and step as an engine does."""
        data, size = samples.tobytes(), int(FEED_SECONDS * RATE) * 2
        for begin in range(0, len(data), size):
            piece = data[begin : begin + size]
            arrives = (begin + len(piece)) / 2 / RATE
            self.now = max(self.now, arrives)
            flight.waiting += piece
            if self.now < arrives + FEED_SECONDS:  # else more has come before there is time to look at it
                self._step(live)
        flight.all_fed = True
        while not live.over:
            self._step(live)

    def _step(self, live: LiveFlight) -> None:
        self._began = time.process_time()
        live.step()
        took = time.process_time() - self._began
        self.now += took
        self._began = 0.0
        self.steps.append(took)
