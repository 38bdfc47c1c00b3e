"""Clips to learn from: phrases one after the other, with silences, at some level and in some noise; or noise alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.stt.miniature.speech import Phrase
from engines.stt.unit import RATE

Sound: TypeAlias = NDArray[np.float32]
Noise: TypeAlias = Literal["white", "pink", "hum"]

WINDOW_SECONDS = 8
"""What the model hears at once."""
_EDGE = WINDOW_SECONDS - 0.02
"""A phrase that ends later is cut off by the end of the window."""
_WITHOUT_SPEECH = 0.05
_KINDS: tuple[Noise, ...] = ("white", "pink", "hum")


class Said(NamedTuple):
    """A phrase in a clip, in seconds from its beginning."""

    text: str
    begin: float
    end: float


@dataclass(frozen=True)
class Clip:
    """What the model is given, and what it is to write. As in a recording, samples may go on after the window."""

    samples: Sound
    said: tuple[Said, ...] = ()
    cut: float | None = None
    """Where the phrase begins that the window does not hold whole."""


@dataclass(frozen=True)
class Manner:
    """How full of speech clips are: how many phrases to choose from, and how often one that has no room is left out."""

    counts: tuple[int, ...]
    leaves_out: float


SPARSE = Manner((1, 1, 1, 2, 2, 3), 0.75)
DENSE = Manner((2, 3, 3, 4, 5), 0.3)


def clip(bank: Sequence[Phrase], manner: Manner, seed: int) -> Clip:
    """One drawn from the seed: of phrases of the bank, or with nobody in it."""
    dice, noisy = random.Random(seed), np.random.default_rng(seed)
    if dice.random() < _WITHOUT_SPEECH:
        return Clip(_nobody(dice, noisy))
    parts = [_silence(dice.choice((0.0, 0.0, dice.uniform(0, 0.3), dice.uniform(0, 0.9))))]
    placed: list[Said] = []
    at = _seconds(parts[0])
    count = dice.choice(manner.counts)
    for number in range(count):
        phrase = bank[dice.randrange(len(bank))]
        sound = np.asarray(phrase.samples / np.float32(32767), np.float32)
        end = at + _seconds(sound)
        if placed and end > WINDOW_SECONDS and dice.random() < manner.leaves_out:
            break
        placed.append(Said(phrase.text, at, end))
        last = number == count - 1
        between = dice.choice((0.0, dice.uniform(0, 0.4), dice.uniform(0, 1.5))) if last else dice.uniform(0.25, 1)
        parts += [sound * np.float32(dice.uniform(0.6, 1)), _silence(between)]
        at = end + _seconds(parts[-1])
        if end > WINDOW_SECONDS:
            break
    samples = _in_a_room(np.concatenate(parts), dice, noisy)
    whole = tuple(said for said in placed if said.end <= _EDGE)
    return Clip(samples, whole, placed[len(whole)].begin if len(whole) < len(placed) else None)


def noise(kind: Noise, length: int, dice: random.Random, noisy: np.random.Generator) -> Sound:
    """So many samples with a mean power of 1."""
    sound: NDArray[Any] = noisy.standard_normal(length)
    if kind == "pink":
        spectrum = np.fft.rfft(sound)
        sound = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), length)
    elif kind == "hum":
        turns = 2 * np.pi * dice.choice((50, 60, 100, 120)) * np.arange(length) / RATE
        sound = np.sin(turns) + 0.5 * np.sin(2 * turns) + 0.2 * sound
    return np.asarray(sound / np.sqrt(np.mean(sound**2) + 1e-9), np.float32)


def _nobody(dice: random.Random, noisy: np.random.Generator) -> Sound:
    silence = _silence(dice.uniform(0.5, WINDOW_SECONDS))
    if dice.random() >= 0.7:
        return silence
    level = np.float32(10 ** dice.uniform(-4, -1))
    return silence + noise(dice.choice(_KINDS), len(silence), dice, noisy) * level


def _in_a_room(clean: Sound, dice: random.Random, noisy: np.random.Generator) -> Sound:
    """At a level down to −20 dB, mostly in a noise 5 to 40 dB below, sometimes with a microphone's own hiss."""
    sound = clean * np.float32(10 ** (dice.uniform(-20, 0) / 20))
    where = dice.random()
    if where < 0.6:
        level = np.sqrt(np.mean(sound**2) + 1e-9) * 10 ** (-dice.uniform(5, 40) / 20)
        return sound + noise(dice.choice(_KINDS), len(sound), dice, noisy) * np.float32(level)
    if where < 0.8:
        return sound + noise("white", len(sound), dice, noisy) * np.float32(10 ** dice.uniform(-4.5, -3))
    return sound


def _silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * RATE), np.float32)


def _seconds(sound: Sound) -> float:
    return len(sound) / RATE
