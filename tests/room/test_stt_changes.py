"""What a compute type, changed while a job runs, does to it: nothing but that the rest is heard in the new one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hearing_kit import ENGINE, Hearing, listening, open_hearing

from bench.stt.sounds import recording, write
from engines.stt.miniature.wrong_words import error_share

SECONDS = 240


@pytest.fixture(scope="module")
def room() -> Iterator[Hearing]:
    with open_hearing(listening(beam_size=1, batch_size=1, quantization="int8", window_seconds=3)) as opened:
        yield opened


def test_a_changed_compute_type_loses_nothing_of_a_job(room: Hearing) -> None:
    long = recording(SECONDS, seed=2)
    output = room.room.work / "long.json"
    job = room.submit(output, write(room.room.work / "long.wav", long.samples))
    room.begun(job, 4)
    room.room.run("job", "pause", job)  # else a quick engine is done with it before the new process is loaded
    room.room.run("set", ENGINE, "quantization=float32")
    room.room.run("job", "resume", job)
    row = room.ended(job)
    told = json.loads(output.read_text())
    assert told["models"] == ["miniature int8", "miniature float32"]
    assert row["units_done"] == row["units_total"]
    assert row["units_failed"] == 0
    places = [place for one in told["segments"] for place in (one["begin"], one["end"])]
    assert places == sorted(places), "every stretch once, and in order"
    assert error_share([(long.words, " ".join(one["text"] for one in told["segments"]))]) <= 0.02
    assert told["seconds"] == pytest.approx(long.seconds, abs=0.01)
