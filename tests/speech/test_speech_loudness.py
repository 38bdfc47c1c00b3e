"""Loudness of a stream: the figures of pyloudnorm, whatever the pieces; and gains that are safe."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from pyloudnorm import Meter as Reference
from speech_sounds import Book_, decoded, spoken_sound

from engines.tts.audio.loudness import HOP, PEAK, Meter, gain
from engines.tts.audio.trim import Sound
from engines.tts.settings import TtsSettings
from engines.tts.unit import RATE


def heard(sound: Sound, pieces: int) -> Meter:
    meter = Meter()
    for piece in np.array_split(sound, pieces):
        meter.hear(piece)
    return meter


def mixed(seconds: float) -> Sound:
    """Loud, quiet and silent in turn, so that both gates have work."""
    rng = np.random.default_rng(3)
    levels = rng.choice([0.0, 0.0003, 0.01, 0.1, 0.3], int(seconds * 2) + 1).repeat(RATE // 2)[: int(seconds * RATE)]
    made: Sound = (rng.standard_normal(len(levels)) * levels).astype(np.float32)
    return made


@pytest.mark.parametrize("seconds", [0.4, 0.449, 0.451, 0.5, 1.0, 3.37, 60.04])
@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_it_is_what_pyloudnorm_measures_on_the_whole(seconds: float, pieces: int) -> None:
    sound = mixed(seconds)
    expected = Reference(RATE).integrated_loudness(sound.astype(np.float64))
    assert heard(sound, pieces).integrated() == pytest.approx(expected, abs=1e-3)


def test_speech_with_pauses_is_measured_without_them() -> None:
    sound = spoken_sound(3, edge=0)
    sparse = np.concatenate([sound, np.zeros(10 * RATE, np.float32), sound])
    assert heard(sparse, 5).integrated() == pytest.approx(heard(sound, 5).integrated(), abs=0.5)
    expected = Reference(RATE).integrated_loudness(sparse.astype(np.float64))
    assert heard(sparse, 5).integrated() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("samples", [0, 1, HOP, 4 * HOP - 1, 100 * HOP])
def test_silence_and_what_is_too_short_have_no_loudness_and_no_gain(samples: int) -> None:
    meter = heard(np.zeros(samples, np.float32), 3)
    assert meter.integrated() == -math.inf
    assert gain(meter.integrated(), -19, meter.peak) == 1
    if samples < 4 * HOP:
        loud = heard(np.ones(samples, np.float32), 3)
        assert gain(loud.integrated(), -19, loud.peak) == 1


def test_a_gain_brings_it_where_it_is_wanted_but_never_above_the_peak() -> None:
    assert gain(-25, -19, 0.1) == pytest.approx(10 ** (6 / 20))
    assert gain(-12, -19, 0.9) == pytest.approx(10 ** (-7 / 20))
    assert gain(-25, -19, 0.8) * 0.8 == pytest.approx(PEAK)
    assert gain(-25, 0, 0.1) == 1


@pytest.mark.parametrize("wanted", [-19.0, -30.0])
def test_a_book_is_as_loud_as_it_was_set_to_be(tmp_path: Path, wanted: float) -> None:
    book = Book_(tmp_path, settings=TtsSettings(loudness=wanted))
    for seed in range(3):
        book.say(spoken_sound(1.5, seed, level=0.02 * (seed + 1)))
    result = decoded(book.assemble("book.flac"))
    assert Reference(RATE).integrated_loudness(result.astype(np.float64)) == pytest.approx(wanted, abs=0.02)


def test_a_book_with_one_loud_word_stays_below_full_scale(tmp_path: Path) -> None:
    book = Book_(tmp_path, settings=TtsSettings(loudness=-10))
    for level in (0.02, 0.02, 0.9):
        book.say(spoken_sound(1, level=level))
    result = np.abs(decoded(book.assemble("book.flac")))
    assert result.max() == pytest.approx(PEAK, abs=1e-3)
