"""Sounds in a row: no speech is cut, joints keep their power, and a long book is never in memory."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from engines.tts.audio.join import joined
from engines.tts.audio.timeline import FADE, Place, follow, reach, total
from engines.tts.audio.trim import MARGIN, Sound, spoken
from engines.tts.unit import RATE


def noise(samples: int, seed: int = 0, level: float = 0.1) -> Sound:
    made: Sound = (np.random.default_rng(seed).standard_normal(samples) * level).astype(np.float32)
    return made


def silence(samples: int) -> Sound:
    return np.zeros(samples, np.float32)


def row(*sounds: tuple[Sound, int]) -> list[tuple[Sound, Place]]:
    """Sounds with the silence after each, in their places."""
    placed: list[tuple[Sound, Place]] = []
    for sound, gap in sounds:
        placed.append((sound, follow(placed[-1][1] if placed else None, len(sound), gap)))
    return placed


def whole(placed: list[tuple[Sound, Place]]) -> Sound:
    return np.concatenate([silence(0), *joined(placed)])


# ── joints ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "lengths",
    [(RATE,), (RATE, RATE), (RATE, 3, RATE), (1, 0, 1), (0, RATE), (RATE, 0), (2 * FADE, 2 * FADE), (500, 900, 17), ()],
)
@pytest.mark.parametrize("gap", [0, 1, 100, RATE])
def test_as_many_samples_come_out_as_the_timeline_says(lengths: tuple[int, ...], gap: int) -> None:
    placed = row(*((noise(length), gap) for length in lengths))
    assert len(whole(placed)) == total(placed[-1][1] if placed else None)


def test_between_fades_a_sound_is_untouched_and_lies_where_the_timeline_says() -> None:
    sounds = [noise(RATE, seed) for seed in range(4)]
    placed = row(*zip(sounds, (0, 4800, 0, 14400), strict=True))
    result = whole(placed)
    for sound, place in placed:
        inner = slice(place.begin + FADE, place.end - FADE)
        assert np.array_equal(result[inner], sound[FADE:-FADE])


def test_silence_is_silent_and_sounds_meet_it_softly() -> None:
    placed = row((np.ones(RATE, np.float32), 4800), (np.ones(RATE, np.float32), 0))
    result = whole(placed)
    assert not result[RATE : RATE + 4800].any()
    for edge in (0, RATE, RATE + 4800, len(result)):
        assert np.abs(np.diff(result[max(0, edge - 2) : edge + 2])).max() < 0.005
    assert result[0] < 0.005
    assert result[-1] < 0.005


def test_a_joint_of_two_sounds_has_the_power_of_either() -> None:
    pairs = [row((noise(4800, seed), 0), (noise(4800, seed + 1000), 0)) for seed in range(200)]
    results = np.array([whole(pair) for pair in pairs])
    begin = pairs[0][1][1].begin
    power = np.square(results).mean(axis=0)
    for piece in np.split(power[begin : begin + FADE], 8):
        assert piece.mean() == pytest.approx(0.01, rel=0.05)


def test_the_gains_of_a_joint_make_one_in_power_at_every_sample() -> None:
    ones, none = np.ones(RATE, np.float32), silence(RATE)
    (_, place) = row((ones, 0), (none, 0))[1]
    leaving, coming = whole(row((ones, 0), (none, 0))), whole(row((none, 0), (ones, 0)))
    here = slice(place.begin, place.begin + FADE)
    assert np.allclose(leaving[here] ** 2 + coming[here] ** 2, 1, atol=1e-6)


def test_the_sounds_that_are_given_stay_as_they_are() -> None:
    sound = noise(RATE)
    kept = sound.copy()
    whole(row((sound, 0), (sound, 0)))
    assert np.array_equal(sound, kept)


def test_four_hours_are_never_in_memory() -> None:
    one = noise(20 * RATE)

    def book() -> Iterator[tuple[Sound, Place]]:
        place = None
        for gap in itertools.islice(itertools.cycle((0, 4800, 14400)), 720):
            place = follow(place, len(one), gap)
            yield one, place

    tracemalloc.start()
    try:
        samples = sum(map(len, joined(book())))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert samples > 4 * 3600 * RATE
    assert peak < 4 * one.nbytes


# ── edges ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lead", [0, 1, 100, 5000, RATE])
@pytest.mark.parametrize("tail", [0, 1, 100, 5000, RATE])
def test_silence_goes_but_for_a_margin_and_speech_stays(lead: int, tail: int) -> None:
    sound = np.concatenate([silence(lead), noise(RATE, level=0.2), silence(tail)]) + noise(lead + RATE + tail, 1, 1e-5)
    first, end = spoken(sound)
    assert max(0, lead - MARGIN - 240) <= first <= max(0, lead - MARGIN)
    assert min(len(sound), lead + RATE + MARGIN) <= end <= min(len(sound), lead + RATE + MARGIN + 240)


@pytest.mark.parametrize("weak_db", [-20, -40, -46])
def test_a_weak_consonant_at_either_edge_is_kept_and_not_faded(weak_db: int) -> None:
    peak = noise(RATE, level=0.2)
    weak = noise(RATE // 10, 1, float(np.abs(peak).max()) * 10 ** (weak_db / 20))
    sound = np.concatenate([silence(RATE), weak, peak, weak, silence(RATE)])
    first, end = spoken(sound)
    assert first + reach(end - first) <= RATE
    assert end - reach(end - first) >= len(sound) - RATE


@pytest.mark.parametrize("samples", [0, 1, 239, 240, 241, RATE])
def test_what_is_silent_throughout_is_kept(samples: int) -> None:
    assert spoken(silence(samples)) == (0, samples)


@pytest.mark.parametrize("samples", [1, 239, 240, 241])
def test_a_sound_shorter_than_the_margins_is_kept(samples: int) -> None:
    assert spoken(noise(samples)) == (0, samples)


def test_quiet_speech_is_trimmed_like_loud_speech() -> None:
    sound = np.concatenate([silence(RATE), noise(RATE), silence(RATE)]).astype(np.float32)
    assert spoken(sound * np.float32(0.01)) == spoken(sound)


def test_a_single_click_is_speech_too() -> None:
    sound = silence(RATE)
    sound[RATE // 2] = 1
    assert spoken(sound) == (RATE // 2 - MARGIN, RATE // 2 + 240 + MARGIN)
