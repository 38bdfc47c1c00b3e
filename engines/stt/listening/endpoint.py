"""When to listen again, and when what was said has ended: from probabilities of speech, one after the other. Pure.

A silence of `endpoint_ms` ends what was said. When a fifth of that has passed it is likely already that nothing
follows: passes then come at once and close together, until two of them agree on everything, which commits it.
"""

from __future__ import annotations

from dataclasses import dataclass

CHUNK = 512
"""Samples that one probability is of."""
CHUNK_MS = 32.0
ONSET_CHUNKS = 2
"""So many in a row are speech before it counts: a click is none."""
HYSTERESIS = 0.15
"""Speech goes on while it is no more than this below the threshold (as Silero's own get_speech_timestamps has it)."""
EARLY_SHARE = 0.2
"""Of `endpoint_ms`: after so much silence a pass comes at once."""


@dataclass(frozen=True)
class Pace:
    """How often to listen, and how long a silence means what."""

    step_ms: float
    endpoint_ms: float

    @property
    def early_ms(self) -> float:
        """Silence after which it is likely that nothing follows."""
        return min(self.step_ms, max(CHUNK_MS, EARLY_SHARE * self.endpoint_ms))


class Endpoints:
    """Somebody speaks, or not."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._row = 0
        self.speaking = False
        """Somebody has begun, and no `end` was said since."""
        self.silence_ms = 0.0
        """Since the last speech, while `speaking`."""

    def hear(self, probability: float) -> None:
        """The next chunk is speech, this likely."""
        loud = probability >= self._threshold
        self._row = self._row + 1 if loud else 0
        if not self.speaking:
            self.speaking = self._row >= ONSET_CHUNKS
            self.silence_ms = 0.0
        elif loud:
            self.silence_ms = 0.0
        elif self.silence_ms or probability < self._threshold - HYSTERESIS:
            self.silence_ms += CHUNK_MS

    def end(self) -> None:
        """What was said is over."""
        self.speaking, self.silence_ms, self._row = False, 0.0, 0


@dataclass(frozen=True)
class Moment:
    """How things stand while somebody is speaking."""

    silence_ms: float
    new_ms: float
    """Sound that no pass has heard."""
    settled: bool
    """The last pass was in this silence, and everything it heard was committed."""
    pass_ms: float = 0.0
    """How long the last pass took to compute."""


def pass_due(moment: Moment, pace: Pace) -> bool:
    """Whether to listen again now. Where passes are slow they are rarer: half of the time is for others."""
    if moment.settled:
        return False
    quiet = moment.silence_ms >= pace.early_ms
    return moment.new_ms >= max(pace.early_ms if quiet else pace.step_ms, moment.pass_ms)


def ended(silence_ms: float, pace: Pace) -> bool:
    """Whether what was said is over."""
    return silence_ms >= pace.endpoint_ms
