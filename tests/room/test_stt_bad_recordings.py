"""A folder with recordings that are none, or odd ones: a sentence for each that is bad, and the rest is heard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hearing_kit import Hearing, listening, open_hearing
from room_kit import wait_for

from bench.stt.sounds import recording, utterances, write
from engines.stt.miniature.wrong_words import error_share, word_errors


@pytest.fixture(scope="module")
def room() -> Iterator[Hearing]:
    """One for all tests here: none of them leaves it otherwise than it was."""
    with open_hearing(listening(beam_size=1) + listening("gone", model="/nowhere/whisper")) as opened:
        yield opened


def half(path: Path) -> None:
    """As a copy that was cut off."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.fixture(scope="module")
def heard(room: Hearing) -> dict[str, Any]:
    """What became of a night's folder: its problems by file name, and its outputs by stem."""
    night, output = room.room.work / "night", room.room.work / "out"
    night.mkdir()
    said = utterances()
    (night / "words.wav").write_text("this is no sound\n" * 50)
    (night / "nothing.wav").write_bytes(b"")
    (night / "header.wav").write_bytes((said[0].path or night).read_bytes()[:44])
    half(write(night / "torn.mp3", recording(20, seed=3).samples))
    half(write(night / "cut.wav", recording(20, seed=3).samples))
    write(night / "phone.wav", said[3].samples, rate=8000)
    write(night / "cinema.wav", said[4].samples, rate=192_000, layout="5.1")
    write(night / "well.flac", said[0].samples)
    job = room.submit(f"{output}/", night)
    room.ended(job, "done with problems")
    told = room.room.run("job", "problems", job, "--json").stdout
    problems = {one["where"].rpartition("/")[2].partition(" ")[0]: one["problem"] for one in json.loads(told)}
    return {"problems": problems, "outputs": {path.stem: path.read_text() for path in output.iterdir()}}


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("words.wav", "Not audio"),
        ("nothing.wav", "Recording empty"),
        ("header.wav", "Recording empty"),
        ("torn.mp3", "Recording ends early"),
        ("cut.wav", "Recording ends early"),
    ],
)
def test_a_bad_recording_gets_one_clear_sentence(heard: dict[str, Any], name: str, title: str) -> None:
    problem = heard["problems"][name]
    assert problem["title"] == title
    assert name in problem["detail"]
    assert problem["detail"].endswith(".")
    assert problem["hint"]


def test_nothing_is_said_of_the_others_and_they_are_heard(heard: dict[str, Any]) -> None:
    said = utterances()
    assert set(heard["problems"]) == {"words.wav", "nothing.wav", "header.wav", "torn.mp3", "cut.wav"}
    outputs = heard["outputs"]
    assert set(outputs) == {"torn", "cut", "phone", "cinema", "well"}
    assert error_share([(said[0].text, outputs["well"]), (said[4].text, outputs["cinema"])]) == 0
    assert word_errors(said[3].text, outputs["phone"]) <= 2, "of a telephone's half of the sound"
    assert outputs["torn"].split()


def test_a_missing_model_is_one_sentence_and_holds_the_job(room: Hearing) -> None:
    refused = room.room.run("start", "gone", code=1).stderr
    assert "There is no folder /nowhere/whisper." in refused
    job = room.submit(room.room.work / "gone.txt", utterances()[0].path or Path(), engine="gone")
    row = wait_for(lambda: room.room.job(job) if room.room.job(job)["state"] == "held" else None, "it is held")
    assert "Model missing" in row["reason"]
    assert room.heard(utterances()[0].path or Path()).split() == utterances()[0].text.split()
