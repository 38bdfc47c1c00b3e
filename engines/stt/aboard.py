"""What is in the air, in the engine's own words: a flight, and each order of it under way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from engines.contract import Flight
from engines.stt.decode.decoder import Sound
from engines.stt.decode.take import Take
from engines.stt.manner import Manner
from engines.stt.unit import Span, Unit
from ipc.work import UnitOrder

Key: TypeAlias = tuple[str, str]
"""One recording, as it was planned."""


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


class Window(NamedTuple):
    """A window that was heard: which frames of the sound it is, and the take that stands."""

    begin: int
    frames: int
    take: Take


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
    windows: list[Window] = field(default_factory=list)
    """Those before it."""
    tokens: int = 0
    """Of all takes."""

    @property
    def key(self) -> Key:
        """Its recording."""
        source = self.unit.source
        return source.path, source.stamp

    @property
    def extent(self) -> Span:
        """From the first sound of speech to the last."""
        return Span(self.unit.speech[0].begin, self.unit.speech[-1].end)

    @property
    def turn(self) -> tuple[bool, int]:
        """People come first, then who came first."""
        return not self.trip.flight.stream, self.number

    @property
    def measures(self) -> bool:
        """Whether its window is usual work, decoded for the first time, and without chance."""
        return not self.takes and not self.manner.deterministic and self.manner.rungs[0].temperature == 0

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for it; also asked from threads."""
        return not self.trip.flight.cancelled()
