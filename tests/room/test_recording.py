"""`--record` without a terminal: one file from the first tick to the last, through a kill of the supervisor."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from room_kit import Room, open_room, wait_for


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room('[engine.fake]\nkind = "fake"\nseconds_per_unit = 0.05\n') as room:
        yield room


def lines_of(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        whole = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return [json.loads(line) for line in io.TextIOWrapper(whole, encoding="utf-8")]


def prompts(room: Room, count: int) -> Path:
    path = room.work / "prompts.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "prompt": "x"}) + "\n" for n in range(count)))
    return path


def begin(room: Room, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        room.command(*arguments), env=room.environment(), cwd=room.work,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_it_submits_records_waits_and_ends_well(room: Room) -> None:
    source, output, file = prompts(room, 40), room.work / "out.jsonl", room.work / "run.jsonl.zst"
    room.run("--record", str(file), "--job", f"fake:{source}:{output}")
    assert len(output.read_text().splitlines()) == 40
    header, *rest = lines_of(file)
    assert header["engineroom"] == 1
    assert "fake" in header["engines"]
    assert any("tick" in line for line in rest)
    words = [line["event"]["word"] for line in rest if "event" in line]
    assert "engine-ready" in words
    assert "job-done" in words


def test_a_recording_goes_on_after_the_supervisor_was_killed(room: Room) -> None:
    source, output, file = prompts(room, 120), room.work / "out.jsonl", room.work / "run.jsonl.zst"
    recorder = begin(room, "--record", str(file), "--job", f"fake:{source}:{output}")
    wait_for(lambda: file.exists() and (room.state / "socket").exists(), "the recording")
    wait_for(lambda: room.json("jobs") and room.json("jobs")[0]["units_done"] > 20, "some answers")
    os.kill(room.supervisor_pid(), signal.SIGKILL)
    _, narration = recorder.communicate(timeout=60)
    assert recorder.returncode == 0, narration
    assert len(output.read_text().splitlines()) == 120
    lines = lines_of(file)
    headers = [index for index, line in enumerate(lines) if "engineroom" in line]
    assert len(headers) == 2
    assert any("tick" in line for line in lines[: headers[1]])
    assert any("tick" in line for line in lines[headers[1] :])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_file_and_leaves_the_job_going(room: Room, number: signal.Signals) -> None:
    source, output, file = prompts(room, 100), room.work / "out.jsonl", room.work / "run.jsonl.zst"
    recorder = begin(room, "--record", str(file), "--job", f"fake:{source}:{output}")
    wait_for(lambda: (room.state / "socket").exists() and room.json("jobs"), "the job")
    wait_for(lambda: room.json("jobs")[0]["units_done"] > 5, "some answers")
    recorder.send_signal(number)
    _, narration = recorder.communicate(timeout=30)
    assert recorder.returncode == 130, narration
    assert room.json("status")["supervisor"]["recording"] is None
    assert lines_of(file)
    wait_for(lambda: room.json("jobs")[0]["state"] == "done", "the job ends all the same")
    assert len(output.read_text().splitlines()) == 100
