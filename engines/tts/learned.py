"""What is learned of voices: how many tokens a character takes, for each voice and language. Pure.

A histogram each, bounded and mergeable; old counts fade, so that it follows a voice that is set to speak otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from engines.tts.budget import start

TRUSTED: Final = 50
"""Chunks; before, it is never expected that a voice needs less than any other."""
_SHARE: Final = 0.99
_PER_TOKEN: Final = 20
"""Bins of a token per character."""
_MOST_BINS: Final = 20 * _PER_TOKEN
_SHORTEST: Final = 20
"""Characters; pauses before and after make up most of what is shorter."""
_FADES_AT: Final = 2000
_MOST_VOICES: Final = 500


class Paces(Struct, frozen=True):
    """As kept: by voice and language, how many chunks fell into each bin."""

    counts: dict[str, dict[int, int]]


class Learned:
    """Of one model. The voices heard longest ago are forgotten when there are too many."""

    def __init__(self, paces: Paces | None = None) -> None:
        self._counts: dict[str, dict[int, int]] = {}
        if paces is not None:
            self.merge(paces)

    def observe(self, voice: str, language: str, characters: int, tokens: int) -> None:
        """A chunk with which nothing was wrong took so many tokens."""
        if characters >= _SHORTEST:
            self._add(_key(voice, language), {math.floor(_PER_TOKEN * tokens / characters): 1})

    def merge(self, paces: Paces) -> None:
        """Learn what another learned."""
        for key, counts in paces.counts.items():
            self._add(key, counts)

    def rate(self, voice: str, language: str) -> float:
        """Tokens per character that 99 of 100 chunks do not pass; as of any voice while too few were heard."""
        counts = self._counts.get(_key(voice, language), {})
        total = sum(counts.values())
        if total == 0:
            return start(language)
        rate = (_quantile(counts, total) + 1) / _PER_TOKEN
        return rate if total >= TRUSTED else max(rate, start(language))

    def heard(self, voice: str, language: str) -> int:
        """Chunks that this is learned from."""
        return sum(self._counts.get(_key(voice, language), {}).values())

    def kept(self) -> Paces:
        """All of it, to be written down or merged."""
        return Paces({key: dict(counts) for key, counts in self._counts.items()})

    def _add(self, key: str, more: Mapping[int, int]) -> None:
        counts = self._counts.pop(key, {})
        for number, count in more.items():
            if count > 0:
                inside = min(max(number, 0), _MOST_BINS)
                counts[inside] = counts.get(inside, 0) + count
        while sum(counts.values()) > _FADES_AT:
            counts = {number: count // 2 for number, count in counts.items() if count > 1}
        self._counts[key] = counts  # at the end: heard last
        while len(self._counts) > _MOST_VOICES:
            del self._counts[next(iter(self._counts))]


def _quantile(counts: Mapping[int, int], total: int) -> int:
    below = 0
    for number in sorted(counts):
        below += counts[number]
        if below >= _SHARE * total:
            return number
    raise AssertionError("the counts make up the total")


def _key(voice: str, language: str) -> str:
    return f"{language} {voice}"
