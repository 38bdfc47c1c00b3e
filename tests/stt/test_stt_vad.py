"""Somebody speaks where somebody speaks, as the library finds it, and never in noise."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import stt_recording_kit as kit
from hypothesis import given
from hypothesis import strategies as st

from engines.stt.vad.silero import FRAME, Silero
from engines.stt.vad.spans import Finder, Run


@pytest.fixture(scope="module")
def silero() -> Silero:
    return Silero()


def test_probabilities_are_those_of_the_library(silero: Silero) -> None:
    from faster_whisper.vad import get_vad_model

    sound = kit.talk(2, 5)
    sound = sound[: len(sound) // FRAME * FRAME]
    expected = np.asarray(get_vad_model()(sound.copy())).reshape(-1)
    heard = silero.fresh().hear(sound)
    # The library hears silence before each first frame of a call, and so do we; the rest is the same network.
    assert heard == pytest.approx(expected, abs=1e-4)


def test_pieces_of_any_size_are_heard_like_the_whole(silero: Silero) -> None:
    sound, ear = kit.talk(0, 1), silero.fresh()
    whole = silero.fresh().hear(sound)
    pieces, at = [], 0
    for size in (1, 511, 512, 513, 7, 4000, 100, len(sound)):
        pieces.append(ear.hear(sound[at : at + size]))
        at += size
    assert np.concatenate(pieces) == pytest.approx(whole, abs=1e-5)
    assert len(whole) == len(sound) // FRAME


def test_the_library_of_the_network_is_not_imported() -> None:
    code = "import sys, engines.stt.plan as p; print(sorted({'faster_whisper', 'ctranslate2'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


# ── spans ─────────────────────────────────────────────────────────────────────────────────────────────────


def runs(*probabilities: float, threshold: float = 0.5) -> list[Run]:
    return Finder(threshold).runs(np.array(probabilities, np.float32))


def test_speech_begins_at_the_threshold_and_goes_on_a_little_below() -> None:
    assert runs(0.4, 0.6, 0.4, 0.4, 0.6, 0.3, 0.3, 0.3) == [Run(1, 5)]
    assert runs(0.4, 0.4, 0.4, 0.4) == []
    assert runs(0.4, 0.6, 0.4, 0.4, threshold=0.05) == [Run(0, 4)]


def test_speech_that_has_not_ended_lasts_to_the_end() -> None:
    assert runs(0, 0.9, 0.9, 0.9) == [Run(1, 4)]


def test_a_short_gap_is_none_and_a_click_is_no_speech() -> None:
    assert runs(0.9, 0.9, 0, 0, 0.9, 0.9) == [Run(0, 6)]
    assert runs(0.9, 0.9, 0.9, 0, 0, 0, 0.9, 0.9, 0.9) == [Run(0, 3), Run(6, 9)]
    assert runs(0, 0, 0.9, 0.9, 0, 0, 0, 0) == []
    assert runs() == []


@given(st.lists(st.floats(0, 1, width=32), max_size=200), st.floats(0.05, 0.95))
def test_runs_rise_with_real_gaps_and_hold_all_that_is_sure(probabilities: list[float], threshold: float) -> None:
    finder = Finder(threshold, least=1)
    found = finder.runs(np.array(probabilities, np.float32))
    assert all(run.begin < run.end for run in found)
    assert all(after.begin - before.end >= 3 for before, after in zip(found, found[1:], strict=False))
    sure = {at for at, each in enumerate(probabilities) if np.float32(each) >= threshold}
    assert sure <= {at for run in found for at in range(run.begin, run.end)}
    assert all(np.float32(probabilities[run.begin]) >= threshold for run in found)
