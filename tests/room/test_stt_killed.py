"""Sixteen minutes, heard in one go and across violent deaths: the same bytes, and few wrong words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hearing_kit import ENGINE, Hearing, listening, open_hearing

from bench.stt.sounds import Recording, recording, write
from engines.stt.miniature.wrong_words import error_share

SECONDS = 960


@pytest.fixture(scope="module")
def room() -> Iterator[Hearing]:
    """One for all tests here: none of them leaves it otherwise than it was."""
    config = listening(beam_size=1, batch_size=1, deterministic=True)
    config += listening("best", beam_size=1, batch_size=1, window_seconds=3)
    with open_hearing(config) as opened:
        yield opened


@pytest.fixture(scope="module")
def long() -> Recording:
    return recording(SECONDS, seed=1)


@pytest.fixture(scope="module")
def source(room: Hearing, long: Recording) -> Path:
    return write(room.room.work / "long.mp3", long.samples)


def test_killed_on_the_way_it_comes_out_byte_for_byte_the_same(room: Hearing, long: Recording, source: Path) -> None:
    work = room.room.work
    whole = room.submit(work / "whole.json", source)
    room.ended(whole)
    told = json.loads((work / "whole.json").read_bytes())
    assert error_share([(long.words, " ".join(one["text"] for one in told["segments"]))]) <= 0.04

    killed = room.submit(work / "killed.json", source)
    room.begun(killed, 3)
    room.kill_engine()
    room.begun(killed, 40)
    room.kill_supervisor()
    row = room.ended(killed)
    assert row["units_done"] == room.room.job(whole)["units_done"]
    assert (work / "killed.json").read_bytes() == (work / "whole.json").read_bytes()
    assert room.room.engine(ENGINE)["state"] == "ready"


def test_at_its_best_settings_two_words_of_a_hundred_are_wrong_at_most(
    room: Hearing, long: Recording, source: Path
) -> None:
    output = room.room.work / "best.txt"
    room.ended(room.submit(output, source, engine="best"))
    assert error_share([(long.words, output.read_text())]) <= 0.02
