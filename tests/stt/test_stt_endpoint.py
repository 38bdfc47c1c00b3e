"""When somebody speaks, when to listen again, and when what was said is over."""

from __future__ import annotations

import numpy as np
import pytest

from engines.stt.listening.endpoint import CHUNK, CHUNK_MS, Endpoints, Moment, Pace, ended, pass_due
from engines.stt.listening.loudness import Loudness, heard
from engines.stt.listening.sound import BEFORE_CHUNKS, Sound, quietest
from engines.stt.vad.level import levels

PACE = Pace(step_ms=250, endpoint_ms=500)


def heard_of(*probabilities: float) -> Endpoints:
    endpoints = Endpoints(0.5)
    for probability in probabilities:
        endpoints.hear(probability)
    return endpoints


def test_a_click_is_no_speech_and_two_chunks_are() -> None:
    assert not heard_of(0.0, 0.9, 0.1, 0.9).speaking
    assert heard_of(0.0, 0.9, 0.9).speaking


def test_silence_counts_from_where_it_is_sure_and_ends_with_speech() -> None:
    assert heard_of(0.9, 0.9, 0.45, 0.4).silence_ms == 0, "a little below the threshold speech goes on"
    assert heard_of(0.9, 0.9, 0.1, 0.45, 0.1).silence_ms == 3 * CHUNK_MS
    assert heard_of(0.9, 0.9, 0.1, 0.1, 0.6).silence_ms == 0


def test_after_an_end_somebody_has_to_begin_again() -> None:
    endpoints = heard_of(0.9, 0.9, 0.1)
    endpoints.end()
    assert not endpoints.speaking
    endpoints.hear(0.9)
    assert not endpoints.speaking
    endpoints.hear(0.9)
    assert endpoints.speaking


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        (Moment(silence_ms=0, new_ms=249, settled=False), False),
        (Moment(silence_ms=0, new_ms=250, settled=False), True),
        (Moment(silence_ms=96, new_ms=120, settled=False), False),
        (Moment(silence_ms=100, new_ms=99, settled=False), False),
        (Moment(silence_ms=100, new_ms=100, settled=False), True),
        (Moment(silence_ms=400, new_ms=400, settled=True), False),
        (Moment(silence_ms=0, new_ms=600, settled=False, pass_ms=700), False),
        (Moment(silence_ms=200, new_ms=700, settled=False, pass_ms=700), True),
    ],
)
def test_passes_come_at_each_step_and_close_together_in_an_early_silence(moment: Moment, due: bool) -> None:
    assert pass_due(moment, PACE) == due


def test_early_is_a_fifth_of_the_endpoint_and_never_later_than_a_step() -> None:
    assert PACE.early_ms == 100
    assert Pace(step_ms=250, endpoint_ms=5000).early_ms == 250
    assert Pace(step_ms=250, endpoint_ms=100).early_ms == CHUNK_MS
    assert (ended(499, PACE), ended(500, PACE)) == (False, True)


def chunk(level: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(CHUNK, level, np.float32)


def test_sound_is_bounded_and_only_the_last_of_a_silence_is_kept() -> None:
    sound = Sound(20 * CHUNK)
    for _ in range(30):
        sound.add(chunk(0.1))
        sound.forget()
    assert len(sound.samples()) == BEFORE_CHUNKS * CHUNK
    sound.forget(3)
    assert len(sound.samples()) == 3 * CHUNK
    assert not sound.full
    for _ in range(17):
        sound.add(chunk(0.1))
    assert sound.full
    assert sound.long


def test_what_is_too_long_is_cut_at_the_quietest_place_of_its_later_half() -> None:
    sound = Sound(20 * CHUNK)
    for at in range(20):
        sound.add(chunk(0.001 if at in (2, 3, 4, 13, 14, 15) else 0.1))
    head = sound.cut()
    assert len(head) == 14 * CHUNK
    assert len(sound.samples()) == 6 * CHUNK


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_a_cut_takes_something_and_leaves_something_of_any_sound_that_has_both(count: int) -> None:
    at = quietest([1.0] * count)
    assert 1 <= at <= max(1, count - 1)


def test_a_quiet_microphone_is_heard_like_a_loud_one_and_a_dead_one_not_at_all() -> None:
    loudness = Loudness(45)
    assert loudness.silent(-90)
    for _ in range(10):
        loudness.hear(-55, 0.032)
    assert loudness.gain == pytest.approx(10 ** (25 / 20))
    assert not loudness.silent(-77)
    loudness.hear(-20, 0.032)
    assert loudness.silent(-66)
    assert loudness.gain < 1
    for _ in range(1000):
        loudness.hear(-60, 0.032)
    assert loudness.gain > 10, "what was loud once is forgotten"


def test_quiet_samples_are_made_louder_for_the_model_and_loud_ones_left() -> None:
    quiet = np.sin(np.arange(16 * CHUNK, dtype=np.float32)) * np.float32(0.002)
    assert float(levels(heard(quiet, CHUNK), CHUNK).mean()) == pytest.approx(-20, abs=0.5)
    loud = quiet * np.float32(200)
    assert (heard(loud, CHUNK) == loud).all()
