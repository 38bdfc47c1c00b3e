"""The miniature's recipe where it needs neither torch nor espeak-ng: tokens, clips, targets, and what is missing."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from engines.stt.miniature.compose import DENSE, SPARSE, WINDOW_SECONDS, Manner, Noise, Said, clip, noise
from engines.stt.miniature.examples import NOT_JUDGED, Example, batch, drawn, target
from engines.stt.miniature.speech import Phrase, resampled
from engines.stt.miniature.tokenizer import Numbers, build
from engines.stt.miniature.train import missing
from engines.stt.miniature.words import HELD_OUT, VOICES, WORDS
from engines.stt.unit import RATE

MODEL = Path(__file__).parents[2] / "engines" / "stt" / "miniature" / "model"
NUMBERS = Numbers(build())


def tone(text: str, seconds: float) -> Phrase:
    """A phrase that is heard as one tone."""
    turns = 2 * np.pi * 300 * np.arange(int(seconds * RATE)) / RATE
    return Phrase(text, (np.sin(turns) * 20000).astype(np.int16))


BANK = [tone("one", 0.5), tone("two three", 1.25), tone("four five six", 2.5)]


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_tokens_are_those_of_the_bundled_model(tmp_path: Path) -> None:
    build().save(str(tmp_path / "tokenizer.json"))
    assert (tmp_path / "tokenizer.json").read_bytes() == (MODEL / "tokenizer.json").read_bytes()


def test_a_word_is_one_token_and_anything_else_is_bytes() -> None:
    tokenizer = build()
    assert tokenizer.encode(" seven three", add_special_tokens=False).ids == [
        NUMBERS.words["seven"],
        NUMBERS.words["three"],
    ]
    assert tokenizer.decode(tokenizer.encode(" hi-fi é").ids) == " hi-fi é"


def test_words_and_voices_stand_once() -> None:
    assert len(set(WORDS)) == len(WORDS) == 32
    assert not set(VOICES) & set(HELD_OUT)


# ── clips ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_makes_the_same_clip() -> None:
    first, again, other = (clip(BANK, DENSE, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.samples, again.samples)
    assert first.said == again.said
    assert first.samples.shape != other.samples.shape or not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("manner", [SPARSE, DENSE])
def test_phrases_lie_where_a_clip_says(manner: Manner) -> None:
    clips = [clip(BANK, manner, seed) for seed in range(60)]
    lengths = {phrase.text: len(phrase.samples) / RATE for phrase in BANK}
    for one in clips:
        ends = [0.0, *(said.end for said in one.said)]
        assert all(said.begin >= end for said, end in zip(one.said, ends, strict=False)), "in order"
        assert all(said.end - said.begin == pytest.approx(lengths[said.text]) for said in one.said)
        assert max(ends) < WINDOW_SECONDS
        assert one.cut is None or max(ends) <= one.cut
        for said in one.said:
            heard = one.samples[int(said.begin * RATE) : int(said.end * RATE)]
            assert np.sqrt(np.mean(heard**2)) > 0.01, "a phrase is louder than nothing"


def test_dense_clips_hold_more_and_are_cut_and_some_hold_nothing() -> None:
    clips = {manner: [clip(BANK, manner, seed) for seed in range(40)] for manner in (SPARSE, DENSE)}
    phrases = {manner: sum(len(one.said) for one in some) for manner, some in clips.items()}
    assert phrases[DENSE] > 1.5 * phrases[SPARSE]
    assert any(one.cut is not None for one in clips[DENSE])
    assert any(not one.said and one.cut is None for one in clips[DENSE])


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_noise_has_a_power_of_one(kind: Noise) -> None:
    sound = noise(kind, RATE, random.Random(1), np.random.default_rng(1))
    assert np.mean(sound**2) == pytest.approx(1, rel=1e-3)


def test_what_espeak_says_keeps_its_pitch_when_resampled() -> None:
    turns = 2 * np.pi * 440 * np.arange(22050) / 22050
    heard = resampled(np.sin(turns).astype(np.float32))
    assert len(heard) == RATE
    assert np.argmax(np.abs(np.fft.rfft(heard))) == 440
    assert np.abs(heard[1000:-1000]).max() == pytest.approx(1, abs=0.02)


# ── what is learned from them ─────────────────────────────────────────────────────────────────────────────


def example(*said: Said, cut: float | None = None, frames: int = 301) -> Example:
    return Example(np.ones((80, frames), np.float16), said, cut)


def texts(one: Example) -> set[str]:
    """All that may be wanted of it, as text."""
    tokenizer = build()
    found = set()
    for seed in range(20):
        given, wanted = target(one, NUMBERS, random.Random(seed))
        assert given[1:] == wanted[:-1] or wanted[0] == NUMBERS.nobody
        found.add(tokenizer.decode(wanted, skip_special_tokens=False))
    return found


def test_targets_are_with_and_without_times() -> None:
    assert texts(example(Said("one two", 0.12, 1.5))) == {
        "<|notimestamps|> one two<|endoftext|>",
        "<|0.10|> one two<|1.50|><|endoftext|>",
    }


def test_a_phrase_that_the_window_cuts_leaves_its_time() -> None:
    assert texts(example(Said("one", 0.5, 1.0), cut=7.4)) == {"<|0.50|> one<|1.00|><|7.40|><|endoftext|>"}


def test_where_nobody_speaks_that_is_to_be_said() -> None:
    assert texts(example()) == {"<|nospeech|><|endoftext|>"}


def test_a_batch_is_padded_and_spells_only_what_is_whole() -> None:
    whole, cut = example(Said("one two three four five", 0, 1)), example(Said("six", 0, 1), cut=7, frames=800)
    told = batch([whole, cut], NUMBERS, random.Random(0))
    assert told.features.shape == (2, 80, 800)
    assert not told.features[0, :, 301:].any()
    assert told.given.shape == told.wanted.shape
    assert told.wanted[1][-1] == NOT_JUDGED
    assert told.given[1][-1] == NUMBERS.end
    assert told.spoken == [(0, [2, 3, 4, 5, 6], 150)]


def test_clips_become_features_shortest_first() -> None:
    found = drawn(BANK, SPARSE, 12, 3)
    lengths = [one.frames for one in found]
    assert lengths == sorted(lengths)
    assert 0 < lengths[0] <= lengths[-1] <= 100 * WINDOW_SECONDS
    assert all(one.features.shape[0] == 80 and one.features.dtype == np.float16 for one in found)


# ── what is missing ───────────────────────────────────────────────────────────────────────────────────────


def test_what_is_missing_is_said_in_a_sentence() -> None:
    said = missing(lambda module: module != "torch", has_program=False)
    assert said is not None
    assert said.startswith("The miniature Whisper cannot be trained without espeak-ng and torch.")
    assert "make miniatures" in said
    alone = missing(lambda module: True, has_program=False)
    assert alone is not None
    assert "without espeak-ng." in alone


def test_with_everything_here_nothing_is_missing() -> None:
    assert missing(lambda module: True, has_program=True) is None
