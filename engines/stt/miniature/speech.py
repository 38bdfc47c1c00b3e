"""Phrases said by espeak-ng: which words, in which voice and how fast is drawn from a seed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.stt.miniature.words import WORDS
from engines.stt.unit import RATE

PROGRAM = "espeak-ng"
_SPOKEN_RATE = 22050
"""Samples a second that the program makes."""
_HEADER_BYTES = 44
_AUDIBLE = 0.01
_MARGIN = RATE // 100
"""Samples left before the first and after the last audible one."""
_LENGTHS = (1, 1, 2, 2, 3, 3, 4, 5, 6, 7)
_GAPS = (None, None, None, 1, 3, 5)
"""Between words, in hundredths of a second."""


@dataclass(frozen=True)
class Phrase:
    """Some words, and how they sound: 16-bit samples, 16,000 a second."""

    text: str
    samples: NDArray[np.int16]
    voice: str = ""


def installed() -> bool:
    """Whether this machine has the program."""
    return shutil.which(PROGRAM) is not None


def phrases(count: int, seed: int, voices: Sequence[str]) -> list[Phrase]:
    """So many, the same for the same seed and version of the program.

    Raises:
        OSError, subprocess.CalledProcessError: the program is missing, or does not know a voice.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda number: _phrase(random.Random(seed + number), voices), range(count)))


def say(text: str, voice: str, words_per_minute: int = 160, pitch: int = 50, gap: int | None = None) -> Phrase:
    """One phrase, without the silence around it.

    Raises:
        OSError, subprocess.CalledProcessError
    """
    command = [PROGRAM, "-v", voice, "-s", str(words_per_minute), "-p", str(pitch), "--stdout"]
    command += [] if gap is None else ["-g", str(gap)]
    spoken = subprocess.run([*command, text], capture_output=True, check=True).stdout[_HEADER_BYTES:]
    samples = resampled(np.asarray(np.frombuffer(spoken, "<i2") / 32768, np.float32))
    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    if len(loud):
        samples = samples[max(0, loud[0] - _MARGIN) : loud[-1] + _MARGIN]
    return Phrase(text, (samples.clip(-1, 1) * 32767).astype(np.int16), voice)


def resampled(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """From 22,050 to 16,000 a second, by leaving out what is above 8 kHz in its spectrum."""
    shorter, longer = 320, 441
    whole = np.pad(samples, (0, -len(samples) % longer))
    length = len(whole) * shorter // longer
    spectrum = np.fft.rfft(whole)[: length // 2 + 1]
    return np.asarray(np.fft.irfft(spectrum, length) * (shorter / longer), np.float32)


def _phrase(dice: random.Random, voices: Sequence[str]) -> Phrase:
    words = [dice.choice(WORDS) for _ in range(dice.choice(_LENGTHS))]
    gap = dice.choice(_GAPS)
    return say(" ".join(words), dice.choice(voices), dice.randint(120, 210), dice.randint(25, 75), gap)
