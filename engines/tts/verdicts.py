"""How many tokens a part may take, whether a take of it is good, and what is learned of that."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from engines.tts import budget, learnedfile
from engines.tts.aboard import Part
from engines.tts.decode.chunk import Chunk
from engines.tts.judge import Heard, Verdict, judged
from engines.tts.learned import TRUSTED, Learned
from engines.tts.sound.flac import Floats
from engines.tts.unit import RATE

_SAVE_SECONDS: Final = 60.0
_SAID_SHARE: Final = 0.05
"""A rate that moved by less is not worth a line."""


class Verdicts:
    """`model` is known to the file by its identity."""

    def __init__(self, path: Path, model: str) -> None:
        self._path = path
        self._model = model
        self._learned = Learned(learnedfile.read(path, model))
        self._news = Learned()
        self._fresh = 0
        self._saved = time.monotonic()
        self._said: dict[tuple[str, str], float] = {}

    def budget(self, part: Part) -> tuple[int, int]:
        """Tokens that are expected of it, and those at which it is given up as a whole."""
        speech, manner = part.speech, part.speech.manner
        length, language = len(part.read.text), manner.language
        if speech.trip.flight.deterministic:  # what was learned before must not show in what is told of the same work
            rate = budget.start(language)
        else:
            rate = self._learned.rate(manner.voice.name, language)
        expected = budget.expected(manner.settings, language, speech.document_words, length, rate)
        return expected, budget.limit(language, length)

    def of(self, part: Part, chunk: Chunk, sound: Floats) -> Verdict:
        """What is wrong with a take."""
        return judged(
            Heard(
                characters=len(part.read.text),
                language=part.speech.manner.language,
                tokens=chunk.tokens,
                ended=chunk.ended,
                seconds=len(sound) / RATE,
                rms=float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0,
            )
        )

    def learn(self, part: Part, tokens: int) -> None:
        """A part with which nothing is wrong took so many tokens."""
        voice, language = part.speech.manner.voice.name, part.speech.manner.language
        for learned in (self._learned, self._news):
            learned.observe(voice, language, len(part.read.text), tokens)
        self._fresh += 1
        rate = self._learned.rate(voice, language)
        before = self._said.get((voice, language), budget.start(language))
        if self._learned.heard(voice, language) >= TRUSTED and abs(rate - before) > _SAID_SHARE * before:
            self._said[voice, language] = rate
            sys.stderr.write(
                f"budget: {voice or 'the built-in voice'} ({language}) takes up to {rate:.2f} tokens per character,"
                f" not {before:.2f}\n"
            )

    def save(self, *, at_once: bool = False) -> None:
        """Write down what was learned since, each minute at most."""
        if self._fresh and (at_once or time.monotonic() - self._saved >= _SAVE_SECONDS):
            learnedfile.add(self._path, self._model, self._news.kept())
            self._news, self._fresh, self._saved = Learned(), 0, time.monotonic()
