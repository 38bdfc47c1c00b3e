"""A live speaker for tests and the bench: the utterances with silences between, and when each word ends in them."""

from __future__ import annotations

import csv
import itertools
import random
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.stt.listening.live import LiveFlight
from engines.stt.unit import RATE
from ipc.errors import Problem
from ipc.hearing import Listened, Live
from ipc.work import UnitOrder

AUDIO = Path(__file__).parents[2] / "examples" / "audio"
FEED_SECONDS = 0.05
"""So much sound a microphone hands over at once."""
_LINES = msgspec.json.Decoder(Live)


@dataclass(frozen=True)
class Spoken:
    """Sound, and its words with the second in which each ends."""

    samples: NDArray[np.int16]
    words: tuple[tuple[str, float], ...]


def spoken(count: int = 25, *, seed: int = 1, noise: float = 1e-3, gain: float = 1.0) -> Spoken:
    """So many utterances with silences of 0.7 to 1.5 s between them.

    When a word ends is known only about: an utterance begins and ends where it is loud, and between the two each word
    takes its share of the letters.
    """
    files = sorted(csv.DictReader((AUDIO / "transcripts.csv").open()), key=lambda row: row["file"])
    chance = random.Random(seed)
    chance.shuffle(files)
    parts, words, at = [np.zeros(4800, np.float32)], list[tuple[str, float]](), 4800
    for row in itertools.islice(itertools.cycle(files), count):
        samples = _read(AUDIO / row["file"])
        words += _word_ends(row["text"].split(), samples, at)
        silence = np.zeros(int(RATE * chance.uniform(0.7, 1.5)), np.float32)
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


class FedFlight:
    """A flight that is fed by the test, and keeps its lines with the moment in which they were said."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.id = 1
        self.orders = (UnitOrder("", 0, '{"live":true}'),)
        self.stream, self.deterministic = True, False
        self.gone = False
        self.waiting = b""
        self.all_fed = False
        self.lines: list[tuple[float, Live]] = []
        self.listened: Listened | None = None
        self.tokens = 0
        self._clock = clock

    def cancelled(self) -> bool:
        return self.gone

    def fed(self) -> tuple[bytes, bool]:
        data, self.waiting = self.waiting, b""
        return data, self.all_fed

    def piece(self, order: UnitOrder, text: str) -> None:
        assert text.endswith("\n")
        self.lines.append((self._clock(), _LINES.decode(text)))

    def done(
        self,
        order: UnitOrder,
        result: str,
        *,
        tokens: int,
        seconds: float,
        ttft_seconds: float | None,
        audio_seconds: float | None = None,
        confidence: float | None = None,
        data: bytes | None = None,
    ) -> None:
        assert self.listened is None, "it ends once"
        self.listened = msgspec.json.decode(result, type=Listened)
        assert audio_seconds is not None
        self.tokens = tokens

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        raise AssertionError(problem)

    @property
    def committed(self) -> str:
        """What the reader saw as committed."""
        return "".join(line.commit for _, line in self.lines)


@dataclass
class RealTime:
    """A clock in which sound arrives as it is spoken, and only computing takes time besides: that of this process."""

    now: float = 0.0
    steps: list[float] = field(default_factory=list)
    """Seconds that each took."""
    _began: float = 0.0

    def __call__(self) -> float:
        return self.now + (time.process_time() - self._began if self._began else 0.0)

    def speak(self, live: LiveFlight, flight: FedFlight, samples: NDArray[np.int16]) -> None:
        """Feed all of it, a twentieth of a second at a time, and step as an engine does."""
        data, size = samples.tobytes(), int(FEED_SECONDS * RATE) * 2
        for begin in range(0, len(data), size):
            piece = data[begin : begin + size]
            arrives = (begin + len(piece)) / 2 / RATE
            self.now = max(self.now, arrives)
            flight.waiting += piece
            if self.now < arrives + FEED_SECONDS:  # else more has come before there is time to look at it
                self._step(live)
        flight.all_fed = True
        while not live.over:
            self._step(live)

    def _step(self, live: LiveFlight) -> None:
        self._began = time.process_time()
        live.step()
        took = time.process_time() - self._began
        self.now += took
        self._began = 0.0
        self.steps.append(took)


@dataclass(frozen=True)
class Latencies:
    """Seconds from the end of each word in the sound to its commit; and word errors, as a share of the words spoken."""

    seconds: tuple[float, ...]
    word_errors: float

    def at(self, share: float) -> float:
        """The quantile."""
        return float(np.quantile(self.seconds, share))


def latencies(spoken_: Spoken, flight: FedFlight) -> Latencies:
    """Of the words that were heard right."""
    heard = [(word.lower(), at) for at, line in flight.lines for word in line.commit.split()]
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
