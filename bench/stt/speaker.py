"""Somebody who speaks the utterances with silences between, and how long each word took to be committed."""

from __future__ import annotations

import csv
import itertools
import random
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.stt.unit import RATE

AUDIO: Final = Path(__file__).parents[2] / "examples" / "audio"
PAUSE_SECONDS: Final = (0.7, 1.5)


@dataclass(frozen=True)
class Spoken:
    """Sound, and its words with the second in which each ends."""

    samples: NDArray[np.int16]
    words: tuple[tuple[str, float], ...]


def spoken(count: int = 25, *, seed: int = 1, noise: float = 1e-3, gain: float = 1.0) -> Spoken:
    """So many utterances with silences between them, in noise.

    When a word ends is known only about: an utterance begins and ends where it is loud, and between the two each word
    takes its share of the letters.
    """
    with (AUDIO / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        files = sorted(csv.DictReader(file), key=lambda row: row["file"])
    chance = random.Random(seed)
    chance.shuffle(files)
    parts, words, at = [np.zeros(4800, np.float32)], list[tuple[str, float]](), 4800
    for row in itertools.islice(itertools.cycle(files), count):
        samples = _read(AUDIO / row["file"])
        words += _word_ends(row["text"].split(), samples, at)
        silence = np.zeros(int(RATE * chance.uniform(*PAUSE_SECONDS)), np.float32)
        parts += [samples, silence]
        at += len(samples) + len(silence)
    sound = np.concatenate(parts) * np.float32(gain)
    sound += np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32) * np.float32(noise)
    return Spoken((np.clip(sound, -1, 1) * 32767).astype("<i2"), tuple(words))


def _word_ends(words: Sequence[str], samples: NDArray[np.float32], at: int) -> list[tuple[str, float]]:
    loud = np.nonzero(np.abs(samples) > 0.02 * np.abs(samples).max())[0]
    begin, length = int(loud[0]), int(loud[-1] - loud[0])
    letters = np.cumsum([len(word) + 1 for word in words])
    return [
        (word, (at + begin + length * sum_ / letters[-1]) / RATE) for word, sum_ in zip(words, letters, strict=True)
    ]


def _read(path: Path) -> NDArray[np.float32]:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(32768)


@dataclass(frozen=True)
class Latencies:
    """Seconds from the end of each word in the sound to its commit; and word errors, as a share of the words spoken."""

    seconds: tuple[float, ...]
    word_errors: float

    def at(self, share: float) -> float:
        """The quantile."""
        return float(np.quantile(self.seconds, share))


def latencies(spoken_: Spoken, lines: Sequence[tuple[float, str]]) -> Latencies:
    """Of the words that were heard right; `lines` are moments and what was committed in them."""
    heard = [(word.lower(), at) for at, commit in lines for word in commit.split()]
    errors, pairs = _aligned([word for word, _ in spoken_.words], [word for word, _ in heard])
    seconds = tuple(heard[there][1] - spoken_.words[here][1] for here, there in pairs)
    return Latencies(seconds, errors / len(spoken_.words))


def _aligned(one: Sequence[str], other: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """The edits between two lines of words, and the places that are the same in both."""
    costs = np.zeros((len(one) + 1, len(other) + 1), int)
    costs[:, 0], costs[0, :] = range(len(one) + 1), range(len(other) + 1)
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            costs[i, j] = min(costs[i - 1, j] + 1, costs[i, j - 1] + 1, costs[i - 1, j - 1] + (a != b))
    pairs, i, j = list[tuple[int, int]](), len(one), len(other)
    while i and j:
        if one[i - 1] == other[j - 1] and costs[i, j] == costs[i - 1, j - 1]:
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif costs[i, j] == costs[i - 1, j - 1] + 1:
            i, j = i - 1, j - 1
        elif costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return int(costs[-1, -1]), pairs[::-1]
