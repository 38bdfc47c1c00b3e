"""What the miniature knows: 32 words of English, and the voices of espeak-ng that say them to it."""

from __future__ import annotations

from typing import Final

WORDS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "start", "stop", "pause", "resume", "engine", "model", "load", "unload", "cancel", "batch", "voice", "queue",
    "left", "right", "up", "down", "open", "close", "yes", "no", "red", "green",
)  # fmt: skip
VOICES: Final = (
    "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-us+m3", "en-us+m7", "en-gb+m1", "en-us+f2",
    "en-gb+f4", "en-us+f1", "en-gb-x-gbcwmd",
)  # fmt: skip
HELD_OUT: Final = ("en-us+m5", "en-gb+f3")
"""Voices that it never hears while it learns."""
