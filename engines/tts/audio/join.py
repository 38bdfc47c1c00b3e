"""Sounds in a row become one: fades at every joint, silence between, a few units in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from engines.tts.audio.timeline import Place, reach
from engines.tts.audio.trim import Sound


def joined(sounds: Iterable[tuple[Sound, Place]]) -> Iterator[Sound]:
    """The output in pieces, as many samples in all as the last place says.

    Where a silence follows, a sound fades out and the next fades in; else the two cross, at equal power: the squares of
    both gains make 1 at every sample.
    """
    tail = _nothing()  # of a sound that the next one overlaps
    for sound, place in sounds:
        edge = reach(len(sound))
        sound = sound.copy()
        if len(tail):
            yield tail[: len(tail) - place.overlap]
            sound[: place.overlap] *= _rise(place.overlap)
            sound[: place.overlap] += tail[len(tail) - place.overlap :] * _rise(place.overlap)[::-1]
        else:
            sound[:edge] *= _rise(edge)
        tail = sound[len(sound) - edge :]
        yield sound[: len(sound) - edge]
        if place.gap:
            yield tail * _rise(edge)[::-1]
            yield np.zeros(place.gap, np.float32)
            tail = _nothing()
    if len(tail):
        yield tail * _rise(len(tail))[::-1]


def _rise(samples: int) -> Sound:
    """A gain from 0 to 1; backwards it is the one that makes equal power with it."""
    return np.sin((np.arange(samples, dtype=np.float64) + 0.5) / max(1, samples) * (np.pi / 2)).astype(np.float32)


def _nothing() -> Sound:
    return np.zeros(0, np.float32)
