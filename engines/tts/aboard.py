"""What is in the air, in the engine's own words: a flight, an order of it, and the parts that it is spoken in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from engines.contract import Flight
from engines.tts.decode.chunk import Chunk, Sampling
from engines.tts.judge import Verdict
from engines.tts.reader import Read
from engines.tts.settings import TtsSettings
from engines.tts.sound.flac import Floats
from engines.tts.sound.voice import Voice
from engines.tts.unit import Pause
from ipc.work import UnitOrder


@dataclass(frozen=True, eq=False)
class Manner:
    """How an order is spoken: as the engine was set when it was boarded, and as the order itself says."""

    settings: TtsSettings
    voice: Voice
    language: str
    sampling: Sampling
    steps: int
    analyze: bool


@dataclass(frozen=True, eq=False)
class Taken:
    """One take that was heard."""

    sound: Floats
    tokens: int
    seed: int
    extended: int
    verdict: Verdict


@dataclass(eq=False)
class Part:
    """A text that is spoken in one breath."""

    speech: Speech
    read: Read
    seed: int
    pause: Pause
    """What ends with it, where more of the order follows."""
    depth: int = 0
    """How often it was halved to come to this."""
    attempt: int = 0
    chunk: Chunk | None = None
    best: Taken | None = None
    redone: int = 0
    over: bool = False
    """The best take stands."""


@dataclass(eq=False)
class Speech:
    """One order under way. A part that found no end is replaced by two."""

    trip: Trip
    order: UnitOrder
    manner: Manner
    characters: int
    words: int
    document_words: int
    planned: int = 1
    """Parts that it began with."""
    unknown: str = ""
    parts: list[Part] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for it."""
        return not self.trip.flight.cancelled()


@dataclass(eq=False)
class Trip:
    """A flight, and its parts that wait to be decoded."""

    flight: Flight
    open: int
    """Orders that have not ended."""
    waiting: deque[Part] = field(default_factory=deque)
    aside: list[Part] = field(default_factory=list)
    """Parts of a deterministic flight that come again, until nothing is in the air."""

    def again(self, parts: Sequence[Part]) -> None:
        """Let these be decoded next. When the thread of sound is done with one is chance, which must not show in a
        deterministic flight: there they wait for `gather`."""
        if self.flight.deterministic:
            self.aside += parts
        else:
            self.waiting.extendleft(reversed(parts))

    def gather(self) -> None:
        """What was put aside is next, in the order of the text."""
        self.aside.sort(key=lambda part: (part.speech.order.index, part.speech.parts.index(part)))
        self.waiting.extendleft(reversed(self.aside))
        self.aside.clear()

    @property
    def over(self) -> bool:
        """Nothing of it is left to do."""
        return self.open == 0 or self.flight.cancelled()
