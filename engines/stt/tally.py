"""What was heard since the load, in words for people."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

_LATELY: Final = 256
_CENT: Final = 100


@dataclass
class Tally:
    """Of what was decoded lately."""

    audio_seconds: float = 0.0
    busy_seconds: float = 0.0
    dropped: int = 0
    """Windows that nothing was written of."""
    again: int = 0
    """Takes that were not believed."""
    _batches: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_LATELY))
    _confidence: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_LATELY))

    def batch(self, windows: int, seconds: float) -> None:
        """So many were decoded together."""
        self._batches.append((windows, seconds))

    def believed(self, tokens: int, logprob: float) -> None:
        """A stretch came out with so many tokens, of this mean logarithm of their probability."""
        self._confidence.append((tokens, logprob))

    def __str__(self) -> str:
        """For the screen; what is not known is left out."""
        words: list[str] = []
        tokens = sum(count for count, _ in self._confidence)
        if tokens:
            mean = sum(count * logprob for count, logprob in self._confidence) / tokens
            words.append(f"confidence {mean:.2f}".replace("-", "−"))
        if self._batches:
            sizes = sorted(windows for windows, _ in self._batches)
            times = sorted(seconds for _, seconds in self._batches)
            words.append(f"batches of {sizes[len(sizes) // 2]}")
            words.append(f"p95 {_length(times[min(len(times) - 1, len(times) * 95 // _CENT)])}")
        if self.busy_seconds > 0 and self.audio_seconds > 0:
            words.append(f"{_plain(self.audio_seconds / self.busy_seconds)}× as fast as speech")
        if self.again:
            words.append(f"{self.again:,} tried again")
        if self.dropped:
            words.append(f"{self.dropped:,} dropped")
        return " · ".join(words)


def _length(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _plain(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
