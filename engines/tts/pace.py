"""How fast languages are read aloud, in characters a second: round figures, wide bounds around them. Pure."""

from __future__ import annotations

from typing import Final

from engines.tts.unit import TOKENS_PER_SECOND

USUAL: Final = 13.0
_OF: Final = {
    "ar": 10.0,
    "es": 15.0,
    "fr": 14.0,
    "he": 9.0,
    "hi": 11.0,
    "it": 15.0,
    "ja": 8.0,
    "ko": 6.0,
    "zh": 4.5,
}
_FASTEST, _SLOWEST = 1.7, 0.38
"""Times the usual. Who skips half of a text reads twice as fast; half as fast is still a slow voice."""


def characters_per_second(language: str) -> float:
    """As it is usually read. Scripts that write syllables, or leave vowels out, need fewer characters."""
    return _OF.get(language, USUAL)


def fastest(language: str) -> float:
    """Characters a second; who is faster leaves something out."""
    return _FASTEST * characters_per_second(language)


def slowest(language: str) -> float:
    """Characters a second; who is slower says more than the text."""
    return _SLOWEST * characters_per_second(language)


def tokens_per_character(language: str) -> float:
    """Speech tokens, as it is usually read: 1.9 in English."""
    return TOKENS_PER_SECOND / characters_per_second(language)
