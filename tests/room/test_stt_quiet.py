"""Silence stays silent, and quiet speech survives, through a whole room."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hearing_kit import Hearing, listening, open_hearing

from bench.stt.sounds import Sound, quieter, silence, utterances, white_noise, write
from engines.stt.miniature.wrong_words import error_share

MINUTES = 5


@pytest.fixture(scope="module")
def room() -> Iterator[Hearing]:
    """One for all tests here: none of them leaves it otherwise than it was."""
    with open_hearing(listening(beam_size=1)) as opened:
        yield opened


def document(room: Hearing, sound: Sound) -> dict[str, Any]:
    """All that is told of it."""
    told: dict[str, Any] = json.loads(room.heard(write(room.room.work / "sound.flac", sound), form="json"))
    return told


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (silence(60 * MINUTES), "silent"),
        (white_noise(60 * MINUTES, 1e-3), "no speech"),
        (white_noise(60 * MINUTES, 0.2), "no speech"),
    ],
    ids=["silence", "a faint hiss", "a loud hiss"],
)
def test_five_minutes_of_nothing_give_no_words_and_say_why(room: Hearing, sound: Sound, why: str) -> None:
    told = document(room, sound)
    assert told["segments"] == []
    assert {one["why"] for one in told["dropped"]} == {why}
    assert sum(one["end"] - one["begin"] for one in told["dropped"]) == pytest.approx(60 * MINUTES, abs=0.1)


def test_speech_that_is_35_db_quieter_comes_out(room: Hearing) -> None:
    folder, output = room.room.work / "quiet", room.room.work / "quiet-heard"
    folder.mkdir()
    said = utterances()
    for number, one in enumerate(said):
        write(folder / f"{number:02}.wav", quieter(one.samples, 35))
    room.ended(room.submit(f"{output}/", folder))
    heard = [(one.text, (output / f"{number:02}.txt").read_text()) for number, one in enumerate(said)]
    assert error_share(heard) <= 0.04
