"""Whether a take says its text: far too long or short for it, silent, looping at its end, or cut. Pure.

It knows nothing that was learned: the same take is judged alike on any day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from engines.tts.pace import characters_per_second, fastest, slowest
from engines.tts.unit import TOKENS_PER_SECOND

Fault: TypeAlias = Literal["silent", "cut", "short", "loops", "long"]

SILENCE: Final = 4299
"""The speech token of silence, `S3GEN_SIL` of the library; a long rest at the end is no loop."""
QUIETEST: Final = 0.001
"""Root mean square of the samples, −60 dB: below, nothing is heard."""
_SLACK_SECONDS: Final = 3.0
"""A rest before and after; all there is to go by with a single word."""
_SPARE_CHARACTERS: Final = 12
"""May be gone without anything missing: digits and marks are not said one by one."""
_LOOP_TOKENS: Final = TOKENS_PER_SECOND
_LONGEST_CYCLE: Final = 8
_WEIGHTS: Final[dict[Fault, int]] = {"silent": 16, "cut": 8, "short": 4, "loops": 2, "long": 1}
"""Words that are lost are worse than sounds that are too many."""


@dataclass(frozen=True)
class Heard:
    """One take: `characters` of what was to be said, the tokens written for it without the stop token, and its sound.

    `ended` tells that the stop token came, `rms` is the root mean square of the samples (full scale is 1).
    """

    characters: int
    language: str
    tokens: Sequence[int]
    ended: bool
    seconds: float
    rms: float


@dataclass(frozen=True)
class Verdict:
    """`faults` are in the order of the alphabet; `off` is how far the duration is from the usual, as a logarithm."""

    faults: tuple[Fault, ...]
    off: float


def judged(heard: Heard) -> Verdict:
    """What is wrong with a take; often nothing."""
    found: list[Fault] = []
    if not heard.ended:
        found.append("cut")
    if loops(heard.tokens):
        found.append("loops")
    if heard.seconds > heard.characters / slowest(heard.language) + _SLACK_SECONDS:
        found.append("long")
    if heard.seconds < (heard.characters - _SPARE_CHARACTERS) / fastest(heard.language):
        found.append("short")
    if not heard.rms >= QUIETEST:  # also where it is no number
        found.append("silent")
    usual = max(1, heard.characters) / characters_per_second(heard.language)
    return Verdict(tuple(found), abs(math.log(max(heard.seconds, 0.01) / usual)))


def better(one: Verdict, other: Verdict) -> bool:
    """Whether the one take is to be kept rather than the other: its faults weigh less, or else its pace is likelier."""
    return _rank(one) < _rank(other)


def loops(tokens: Sequence[int]) -> bool:
    """Whether the same few tokens come again and again for the last second before the final silence."""
    end = len(tokens)
    while end > 0 and tokens[end - 1] == SILENCE:
        end -= 1
    if end < _LOOP_TOKENS:
        return False
    tail = tokens[end - _LOOP_TOKENS : end]
    return any(tail[cycle:] == tail[:-cycle] for cycle in range(1, _LONGEST_CYCLE + 1))


def _rank(verdict: Verdict) -> tuple[int, float]:
    return sum(_WEIGHTS[fault] for fault in verdict.faults), verdict.off
