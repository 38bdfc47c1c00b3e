"""What training sees of a clip: the features the model hears, and the tokens it is to write."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from engines.stt.miniature.compose import WINDOW_SECONDS, Clip, Manner, Said, clip
from engines.stt.miniature.speech import Phrase
from engines.stt.miniature.tokenizer import Numbers
from engines.stt.miniature.words import WORDS

Ints: TypeAlias = NDArray[np.int64]

MELS = 80
NOT_JUDGED = -100
"""Where a token is padding."""
_FRAMES = 100 * WINDOW_SECONDS
CLASSES = {word: number for number, word in enumerate(WORDS, 1)}
"""Of the words, for the helper that spells without a decoder; 0 is its blank."""


@dataclass(frozen=True)
class Example:
    """A clip as features, [80, frames] with a frame each 10 ms."""

    features: NDArray[np.float16]
    said: tuple[Said, ...]
    cut: float | None

    @property
    def frames(self) -> int:
        """How many."""
        return int(self.features.shape[1])


@dataclass(frozen=True)
class Batch:
    """Examples of about one length: features are [batch, 80, frames], tokens [batch, longest]."""

    features: NDArray[np.float32]
    given: Ints
    wanted: Ints
    spoken: list[tuple[int, list[int], int]]
    """Of the examples that the window holds whole: which one, the classes of its words, and its frames ÷ 2."""


def drawn(bank: Sequence[Phrase], manner: Manner, count: int, seed: int) -> list[Example]:
    """So many, shortest first."""
    extract = FeatureExtractor(chunk_length=WINDOW_SECONDS)
    found = [_example(extract, clip(bank, manner, seed + number)) for number in range(count)]
    return sorted((one for one in found if one.said or one.cut != 0), key=lambda one: one.frames)


def target(example: Example, numbers: Numbers, dice: random.Random) -> tuple[list[int], list[int]]:
    """The tokens given and the tokens wanted; half of them without times, where nothing needs these."""
    plain = dice.random() < 0.5
    if not example.said and example.cut is None:
        return [numbers.begin, numbers.no_times if plain else numbers.time(0)], [numbers.nobody, numbers.end]
    if plain and example.cut is None:
        written = [numbers.no_times, *(token for said in example.said for token in _words(said, numbers))]
    else:
        written = []
        for said in example.said:
            written += [numbers.time(said.begin), *_words(said, numbers), numbers.time(said.end)]
        if example.cut is not None:
            written.append(numbers.time(min(example.cut, WINDOW_SECONDS)))
    return [numbers.begin, *written], [*written, numbers.end]


def batch(examples: Sequence[Example], numbers: Numbers, dice: random.Random) -> Batch:
    """Padded to the longest, and every other one with a band of pitches and a moment left out."""
    frames = max(one.frames for one in examples)
    features = np.zeros((len(examples), MELS, frames + frames % 2), np.float32)
    for place, one in zip(features, examples, strict=True):
        place[:, : one.frames] = _with_gaps(one.features.astype(np.float32), dice)
    targets = [target(one, numbers, dice) for one in examples]
    longest = max(len(given) for given, _ in targets)
    given = np.full((len(examples), longest), numbers.end, np.int64)
    wanted = np.full((len(examples), longest), NOT_JUDGED, np.int64)
    for row, (before, after) in enumerate(targets):
        given[row, : len(before)] = before
        wanted[row, : len(after)] = after
    spoken = [
        (row, [CLASSES[word] for said in one.said for word in said.text.split()], one.frames // 2)
        for row, one in enumerate(examples)
        if one.cut is None
    ]
    return Batch(features, given, wanted, spoken)


def _example(extract: Any, heard: Clip) -> Example:
    features = extract(heard.samples)[:, :-1][:, :_FRAMES]
    return Example(features.astype(np.float16), heard.said, heard.cut)


def _words(said: Said, numbers: Numbers) -> list[int]:
    return [numbers.words[word] for word in said.text.split()]


def _with_gaps(features: NDArray[np.float32], dice: random.Random) -> NDArray[np.float32]:
    if dice.random() < 0.5:
        return features
    mean, frames = features.mean(), features.shape[1]
    pitch = dice.randrange(MELS)
    features[pitch : pitch + dice.randrange(1, 12)] = mean
    if frames > 40:
        moment = dice.randrange(frames - 10)
        features[:, moment : moment + dice.randrange(1, 8)] = mean
    return features
