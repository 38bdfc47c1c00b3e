"""What is in the air, in the engine's own words: a flight, and each order of it under way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TypeAlias

from engines.contract import Flight
from engines.stt.decode.decoder import FRAMES_PER_SECOND, Sound
from engines.stt.decode.take import Take
from engines.stt.manner import Manner
from engines.stt.unit import RATE, Span, Unit
from ipc.hearing import Dropped, Segment
from ipc.work import UnitOrder

Key: TypeAlias = tuple[str, str, int]
"""One stream of one recording, as it was planned."""


@dataclass(eq=False)
class Trip:
    """A flight, and what of it is not done."""

    flight: Flight
    open: int
    """Orders that have not ended."""
    held: int = 0
    """Parts that a thread reads or decodes just now."""

    @property
    def over(self) -> bool:
        """Nothing of it is left to do, nor being done."""
        return not self.held and (self.open == 0 or self.flight.cancelled())


@dataclass(eq=False)
class Part:
    """One order: a stretch with speech in it, heard window after window, mostly one."""

    trip: Trip
    order: UnitOrder
    unit: Unit
    manner: Manner
    number: int
    """The lower, the earlier it came."""
    begun: float = field(default_factory=time.monotonic)
    sound: Sound | None = None
    head: Sound | None = None
    """What tells the language of its recording, where it was this one's turn to read that."""
    language: str = ""
    language_probability: float | None = None
    at: int = 0
    """The frame of its sound where the window under way begins."""
    takes: list[Take] = field(default_factory=list)
    """Of that window."""
    segments: list[Segment] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    tokens: int = 0
    believed_tokens: int = 0
    believed_logprob: float = 0.0
    """Sum over those tokens."""

    @property
    def key(self) -> Key:
        """Its recording."""
        source = self.unit.source
        return source.path, source.stamp, source.stream

    @property
    def extent(self) -> Span:
        """From the first sound of speech to the last."""
        return Span(self.unit.speech[0].begin, self.unit.speech[-1].end)

    @property
    def turn(self) -> tuple[bool, int]:
        """People come first, then who came first."""
        return not self.trip.flight.stream, self.number

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for it; also asked from threads."""
        return not self.trip.flight.cancelled()

    @property
    def zero(self) -> float:
        """Where in the recording the window under way begins, in seconds."""
        assert self.sound is not None
        return self.extent.begin / RATE - self.sound.lead + self.at / FRAMES_PER_SECOND
