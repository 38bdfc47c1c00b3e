"""Where each unit's sound lies in the output: exact arithmetic in samples."""

from __future__ import annotations

from typing import Final, NamedTuple

from engines.tts.settings import TtsSettings
from engines.tts.unit import RATE, Pause

FADE: Final = RATE * 20 // 1000
"""Samples of a fade: 20 ms."""
CLAUSE_MS: Final = 120
"""The silence where a sentence had to be cut at a comma or the like: what a reader leaves there."""


class Place(NamedTuple):
    """A unit's sound from sample `begin` to `end` of the output, and `gap` samples of silence after it.

    Its first `overlap` samples sound together with the last of the unit before.
    """

    begin: int
    end: int
    gap: int
    overlap: int


def follow(before: Place | None, samples: int, gap: int) -> Place:
    """The place of so many samples after those `before`.

    Pieces of one sentence, between which there is no silence, overlap by `FADE`, but never by more than half of either:
    so no sample is in two overlaps.
    """
    if before is None:
        return Place(0, samples, gap, 0)
    overlap = 0 if before.gap else min(reach(before.end - before.begin), reach(samples))
    begin = before.end + before.gap - overlap
    return Place(begin, begin + samples, gap, overlap)


def reach(samples: int) -> int:
    """How many samples at either end of a sound may be faded."""
    return min(FADE, samples // 2)


def total(last: Place | None) -> int:
    """Samples of the output that ends with this unit."""
    return 0 if last is None else last.end + last.gap


def gaps(settings: TtsSettings) -> dict[Pause, int]:
    """Samples of silence for each kind of pause."""
    milliseconds: dict[Pause, int] = {
        "none": 0,
        "clause": min(CLAUSE_MS, settings.pause_sentence_ms),
        "sentence": settings.pause_sentence_ms,
        "paragraph": settings.pause_paragraph_ms,
        "chapter": settings.pause_chapter_ms,
    }
    return {pause: RATE * length // 1000 for pause, length in milliseconds.items()}
