"""Stretches tile the recording, hold at most one window of speech, and do not depend on where planning began."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.stt.cutting import Cutter, Stretch, Track
from engines.stt.unit import RATE, Span
from engines.stt.vad.spans import Finder

FRAME = 512
SECOND = RATE / FRAME
WINDOW = 8 * RATE
CUTTER = Cutter(FRAME, WINDOW, RATE // 2, Finder(0.5))
Part = tuple[bool, float]


def track(*parts: Part, hiss: bool = True) -> Track:
    """Speech and silence of so many seconds; the silence hisses, or is none."""
    speaks = np.concatenate([np.full(round(seconds * SECOND), speech) for speech, seconds in parts] or [np.zeros(0)])
    speaks = speaks.astype(np.bool_)
    chance = np.random.default_rng(len(speaks))
    levels = np.where(speaks, -20.0, -60.0) + chance.normal(size=len(speaks))
    passing = np.ones(len(speaks), np.bool_) if hiss else speaks
    return Track(0, np.where(speaks, 0.9, 0.1).astype(np.float32), passing, levels, len(speaks) * FRAME)


def cuts(of: Track, cutter: Cutter = CUTTER, begin: int = 0) -> list[Stretch]:
    """All stretches from a sample on."""
    assert of.end is not None
    made = list[Stretch]()
    while begin < of.end:
        stretch = cutter.cut(of, begin)
        assert stretch is not None, "all is known"
        assert stretch.whole.begin == begin < stretch.whole.end
        made.append(stretch)
        begin = stretch.whole.end
    assert begin == of.end
    return made


def whole(of: Track) -> Span:
    assert of.end is not None
    return Span(0, of.end)


def seconds(span: Span | None) -> tuple[float, float]:
    assert span is not None
    return round(span.begin / RATE, 1), round(span.end / RATE, 1)


def test_a_short_recording_is_one_stretch_with_its_pauses() -> None:
    (only,) = cuts(track((False, 1), (True, 2), (False, 1), (True, 2), (False, 1)))
    assert [seconds(span) for span in only.speech] == [(0.7, 3.3), (3.7, 6.3)]


def test_short_silences_join_what_is_said_before_and_after() -> None:
    (only,) = cuts(track((True, 2), (False, 0.4), (True, 2)))
    assert [seconds(span) for span in only.speech] == [(0, 4.4)]


def test_it_is_cut_at_the_longest_silence_late_in_the_window() -> None:
    of = track((True, 2), (False, 1.5), (True, 2), (False, 1), (True, 1), (False, 0.6), (True, 8))
    first, *_ = cuts(of)
    assert seconds(first.decoded) == (0, 5.8)
    assert seconds(first.whole) == (0, 6.0)


def test_without_a_good_silence_a_short_one_will_do() -> None:
    first, second = cuts(track((True, 5), (False, 0.2), (True, 2), (False, 0.1), (True, 5)))
    assert seconds(first.decoded) == (0, 5.1)
    assert second.whole.begin == first.whole.end


def test_speech_without_any_silence_is_cut_where_it_is_least_loud() -> None:
    of = track((True, 20))
    quiet = round(7 * SECOND)
    of.levels[quiet] = -50
    first, *_ = cuts(of)
    assert first.whole.end == quiet * FRAME
    assert first.speech == (first.whole,)


def test_a_long_silence_ends_a_stretch_and_a_longer_one_is_its_own() -> None:
    first, second = cuts(track((True, 2), (False, 4), (True, 2)))
    assert seconds(first.decoded) == (0, 2.3)
    assert seconds(second.decoded) == (5.7, 8.0)
    before, between, after = cuts(track((True, 2), (False, 40), (True, 2)))
    assert (before.why, between.why, after.why) == ("", "no speech", "")
    assert between.speech == ()
    assert before.whole.end < 3 * RATE
    assert after.whole.begin > 41 * RATE


def test_silence_is_told_from_noise_and_taken_in_minutes() -> None:
    made = cuts(track((False, 700), hiss=False))
    assert [stretch.why for stretch in made] == ["silent"] * 3
    assert max(stretch.whole.seconds for stretch in made) == 300
    assert {stretch.why for stretch in cuts(track((False, 100)))} == {"no speech"}


def test_without_looking_for_speech_each_window_is_a_stretch() -> None:
    blind = replace(CUTTER, finder=None)
    made = cuts(track((True, 10), (False, 20), hiss=False), blind)
    assert [seconds(stretch.whole) for stretch in made] == [(0, 8), (8, 16), (16, 24), (24, pytest.approx(30, abs=0.1))]
    assert [stretch.why for stretch in made] == ["", "", "silent", "silent"]
    assert made[0].speech == (made[0].whole,)


parts = st.lists(st.tuples(st.booleans(), st.floats(0.05, 15)), max_size=25)
cutters = st.builds(
    Cutter,
    frame=st.just(FRAME),
    window=st.sampled_from([RATE // 2, 2 * RATE, WINDOW, 30 * RATE]),
    silence=st.sampled_from([RATE // 10, RATE // 2, 5 * RATE]),
    finder=st.sampled_from([Finder(0.5), None]),
)


@given(parts, cutters)
def test_stretches_tile_the_recording_and_never_exceed_the_window(made: list[Part], cutter: Cutter) -> None:
    of = track(*made)
    stretches = cuts(of, cutter)
    for stretch in stretches:
        places = [place for span in stretch.speech for place in span]
        assert places == sorted(places)
        assert all(stretch.whole.begin <= place <= stretch.whole.end for place in places)
        assert bool(stretch.speech) != bool(stretch.why)
        if (decoded := stretch.decoded) is not None:
            assert 0 < decoded.end - decoded.begin <= max(cutter.window, RATE)


@given(parts, cutters.filter(lambda cutter: cutter.finder is not None))
def test_no_speech_is_left_out(made: list[Part], cutter: Cutter) -> None:
    of = track(*made)
    covered = np.zeros(whole(of).end, np.bool_)
    for stretch in cuts(of, cutter):
        for span in stretch.speech:
            covered[span.begin : span.end] = True
    for run in Finder(0.5, least=6).runs(of.probabilities):
        missed = ~covered[run.begin * FRAME : run.end * FRAME]
        # A run that a cut divides may leave a click of a frame or two on one side.
        assert missed.sum() <= 3 * FRAME


@given(parts, cutters)
def test_planning_from_each_beginning_gives_the_rest_again(made: list[Part], cutter: Cutter) -> None:
    of = track(*made)
    stretches = cuts(of, cutter)
    for number, stretch in enumerate(stretches):
        gone = stretch.whole.begin // FRAME
        later = Track(gone, of.probabilities[gone:], of.passing[gone:], of.levels[gone:], of.end)
        assert cuts(later, cutter, stretch.whole.begin) == stretches[number:]


@given(parts, cutters, st.integers(1, 2000))
def test_how_much_is_known_decides_when_and_never_what(made: list[Part], cutter: Cutter, step: int) -> None:
    of = track(*made)
    for stretch in cuts(of, cutter):
        known = stretch.whole.begin // FRAME
        found = None
        while found is None:
            known = min(known + step, len(of.levels))
            end = of.end if known == len(of.levels) else None
            part = Track(0, of.probabilities[:known], of.passing[:known], of.levels[:known], end)
            found = cutter.cut(part, stretch.whole.begin)
            assert found is not None or end is None
        assert found == stretch
