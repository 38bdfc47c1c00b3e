"""What benchmarks and tests listen to: recordings hold what they say, errors are counted, random models load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel, decode_audio

from bench.stt.gpu import write_random
from bench.stt.sounds import quieter, read_wave, recording, utterances, write
from engines.stt.miniature.shape import Shape
from engines.stt.miniature.wrong_words import error_share, word_errors
from engines.stt.unit import RATE


@pytest.mark.parametrize(
    ("meant", "heard", "errors"),
    [
        ("one two three", "One, two. three", 0),
        ("one two three", "one three", 1),
        ("one two", "one two two", 1),
        ("one two three", "one four three", 1),
        ("one two three", "", 3),
        ("one two three", "three one two", 2),
    ],
)
def test_words_that_are_missing_too_many_or_others_are_errors(meant: str, heard: str, errors: int) -> None:
    assert word_errors(meant, heard) == errors


def test_the_share_of_errors_is_over_all_words() -> None:
    assert error_share([("one two three", "one two"), ("four", "four")]) == 0.25


def test_a_recording_holds_its_phrases_where_it_says() -> None:
    long = recording(30, seed=4)
    by_text = {one.text: one.samples for one in utterances()}
    for said in long.said:
        heard = long.samples[round(said.begin * RATE) : round(said.end * RATE)]
        assert np.abs(heard - by_text[said.text]).max() < 0.01
    gaps = [after.begin - before.end for before, after in zip(long.said, long.said[1:], strict=False)]
    assert min(gaps) >= 0.349
    assert max(gaps) <= 1.2
    assert np.array_equal(long.samples, recording(30, seed=4).samples)
    assert long.words == " ".join(said.text for said in long.said).split()


def test_quieter_is_so_many_decibels() -> None:
    sound = utterances()[0].samples
    assert 20 * np.log10(np.abs(sound).max() / np.abs(quieter(sound, 35)).max()) == pytest.approx(35, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "rate", "layout"),
    [("a.wav", RATE, "mono"), ("a.flac", RATE, "mono"), ("a.mp3", RATE, "mono"), ("a.wav", 192_000, "5.1")],
)
def test_what_is_written_sounds_the_same(tmp_path: Path, name: str, rate: int, layout: str) -> None:
    sound = utterances()[0].samples
    path = write(tmp_path / name, sound, rate, layout)
    heard = decode_audio(str(path))
    assert abs(len(heard) - len(sound)) <= 32
    together = np.corrcoef(heard[: len(sound) - 32], sound[: len(heard)][: len(sound) - 32])[0, 1]
    assert together > 0.99


def test_a_plain_wave_comes_back_as_it_was(tmp_path: Path) -> None:
    sound = utterances()[0].samples
    assert np.abs(read_wave(write(tmp_path / "a.wav", sound)) - sound).max() < 1e-4


def test_a_model_of_random_weights_writes_without_an_end(tmp_path: Path) -> None:
    shape = Shape(1900, width=64, heads=2, hidden=64, encoder_layers=1, decoder_layers=1)
    model = WhisperModel(str(write_random(tmp_path / "model", shape)), device="cpu", cpu_threads=1)
    assert not model.model.is_multilingual
    segments, told = model.transcribe(utterances()[0].samples, beam_size=1, temperature=0.0, no_speech_threshold=None)
    assert told.language == "en"
    assert sum(len(one.tokens) for one in segments) > 200, "as many as may be"
