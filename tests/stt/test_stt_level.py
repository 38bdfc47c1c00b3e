"""How loud a recording is decides what can be speech in it, and how much louder the rest is made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.stt.vad import level

FRAME = 512


def tone(*decibels: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A frame of square wave at each of these levels."""
    signs = np.where(np.arange(FRAME) % 2, 1.0, -1.0)
    return np.concatenate([signs * 10 ** (each / 20) for each in decibels]).astype(np.float32)


def test_levels_are_decibels_of_full_scale() -> None:
    found = level.levels(np.concatenate((tone(0, -20, -60), tone(-10)[:100])), FRAME)
    assert found == pytest.approx([0, -20, -60, -10], abs=0.01)
    assert level.levels(np.zeros(FRAME, np.float32), FRAME)[0] < level.FLOOR_DB


def test_digital_silence_has_no_loud_part_and_passes_no_gate() -> None:
    quiet = np.full(100, -90.0)
    assert level.loud(quiet) is None
    assert not level.passing(quiet, 120).any()
    assert level.boost(quiet) == 1
    zeros = np.zeros(10 * FRAME, np.float32)
    assert np.array_equal(level.even(zeros, FRAME, 45, -30), zeros)


def test_the_gate_follows_the_recordings_own_loud_parts() -> None:
    levels = np.concatenate((np.full(100, -20.0), np.full(100, -60.0), np.full(100, -70.0)))
    passing = level.passing(levels, 45)
    assert passing[:200].all()
    assert not passing[220:].any()
    assert level.passing(levels - 8, 45)[:200].all(), "quieter as a whole, nothing changes"
    assert not level.passing(levels, 30)[120:].any()


def test_a_slammed_door_shuts_nobody_up() -> None:
    levels = np.full(1000, -55.0)
    levels[500:510] = -3.0
    assert level.passing(levels, 45).all()


def test_quiet_ends_of_words_pass_with_them() -> None:
    levels = np.full(100, -75.0)
    levels[48:53] = -20.0
    passing = level.passing(levels, 45)
    assert passing[42:59].all()
    assert not passing[:40].any()
    assert not passing[61:].any()


@given(st.floats(-70, -5), st.floats(0, 40))
def test_who_is_quiet_becomes_as_loud_as_who_is_loud(loud: float, quieter: float) -> None:
    quiet = max(loud - quieter, -75)
    made = level.levels(level.even(tone(*[loud] * 100, *[quiet] * 100), FRAME, 45, -30), FRAME)
    assert made[:60] == pytest.approx(-30, abs=0.1)
    assert made[140:] == pytest.approx(-30, abs=0.1)


def test_what_the_gate_keeps_out_is_not_made_loud() -> None:
    made = level.levels(level.even(tone(*[-20] * 100, *[-75] * 100), FRAME, 45, -30), FRAME)
    assert made[140:] == pytest.approx(-40, abs=0.1)


@given(st.floats(-70, 0))
def test_quiet_speech_is_brought_to_the_wanted_level_and_loud_speech_left(decibels: float) -> None:
    made = level.boost(np.full(50, decibels))
    if decibels > -26:
        assert made == 1
    else:
        assert decibels + 20 * np.log10(made) == pytest.approx(-20, abs=0.1)
