"""What a model made of one window."""

from __future__ import annotations

from dataclasses import dataclass

from ipc.hearing import Segment


@dataclass(frozen=True)
class Take:
    """Times of its segments are seconds from where the window's sound begins."""

    segments: tuple[Segment, ...]
    text: str
    tokens: int
    logprob: float
    """Mean natural logarithm of its tokens' probabilities."""
    no_speech: float
    """The model's own probability that nobody speaks."""
    compression: float
    """Bytes of the text ÷ bytes of it compressed."""
    temperature: float = 0.0
    rest: int | None = None
    """The frame where the window has to be heard on, because its last phrase has no end in it; None where it is whole.
    """
