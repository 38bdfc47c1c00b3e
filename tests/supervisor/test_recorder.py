"""Recordings that lose nothing acknowledged, that any reader reads to the end, and that outlive a full disk."""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ipc.errors import RequestFailed
from ipc.snapshot import Happening, Json
from supervisor.recorder import HELD_LIMIT_BYTES, Recorder

ROOT = Path(__file__).resolve().parents[2]
HEADER: dict[str, Json] = {
    "version": "1.2.3",
    "host": "box",
    "started_unix": 0.0,
    "engines": {"writer": {"kind": "llm"}},
}


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "night.jsonl.zst"


def lines(path: Path) -> list[dict[str, Any]]:
    """Every line of a whole recording; an error when its end is torn."""
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-tq", path], check=True)
    with zstandard.open(path, "rt", encoding="utf-8") as text:
        return [json.loads(line) for line in text]


def marks(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.with_name(path.name + ".idx").read_text().splitlines()]


def tick(recorder: Recorder, clock: Clock, seconds: float = 1.0) -> None:
    clock.now += seconds
    recorder.tick({"unix": clock.now, "cpu": 12.5})


def record(path: Path, clock: Clock, seconds: int) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    for _ in range(seconds):
        tick(recorder, clock)
    recorder.close()


def test_a_header_then_ticks_and_events_by_name(path: Path, clock: Clock) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    recorder.tick({"unix": 1001.0, "nothing": None, "nan": float("nan")})
    recorder.event(Happening(7, 1001.5, "error", "writer", "engine-died", "writer died: é \udcff."))
    recorder.close()
    assert recorder.ticks == 1
    assert lines(path) == [
        {"engineroom": 1, **HEADER},
        {"tick": {"unix": 1001.0, "nothing": None, "nan": None}},
        {
            "event": {
                "sequence": 7,
                "unix": 1001.5,
                "severity": "error",
                "about": "writer",
                "word": "engine-died",
                "text": "writer died: é ?.",
            }
        },
    ]


def test_a_reader_sees_each_line_at_once_while_it_is_being_written(path: Path, clock: Clock) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    for count in range(1, 5):
        tick(recorder, clock)
        text = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
        assert text.count(b"\n") == count + 1
    recorder.close()


def test_a_new_frame_every_minute_and_the_sidecar_says_where(path: Path, clock: Clock) -> None:
    record(path, clock, 150)
    assert len(lines(path)) == 151
    assert [mark["unix"] for mark in marks(path)] == [1000.0, 1060.0, 1120.0]
    last = path.read_bytes()[marks(path)[-1]["offset"] :]
    first_line, *_ = zstandard.ZstdDecompressor().decompressobj().decompress(last).splitlines()
    assert json.loads(first_line)["tick"]["unix"] == 1120.0


def test_a_clock_set_back_begins_a_frame_and_loses_nothing(path: Path, clock: Clock) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    for step in (1.0, -500.0, 1.0):
        tick(recorder, clock, step)
    recorder.close()
    assert [line["tick"]["unix"] for line in lines(path)[1:]] == [1001.0, 501.0, 502.0]
    assert [mark["unix"] for mark in marks(path)] == [1000.0, 501.0]


def test_going_on_with_a_recording_keeps_all_and_marks_the_place(path: Path, clock: Clock) -> None:
    record(path, clock, 2)
    record(path, clock, 3)
    assert [next(iter(line)) for line in lines(path)] == ["engineroom", *["tick"] * 2, "engineroom", *["tick"] * 3]
    assert len(marks(path)) == 2


@pytest.mark.parametrize("harm", ["missing", "junk", "torn", "beyond", "no start"])
def test_a_sidecar_that_is_wrong_is_rebuilt(path: Path, clock: Clock, harm: str) -> None:
    record(path, clock, 150)
    sidecar, good = path.with_name(path.name + ".idx"), marks(path)
    match harm:
        case "missing":
            sidecar.unlink()
        case "junk":
            sidecar.write_bytes(b"\xff{}")
        case "torn":
            sidecar.write_bytes(sidecar.read_bytes()[:-9])
        case "beyond":
            sidecar.write_text(sidecar.read_text() + '{"offset": 99999999, "unix": 1}\n')
        case _:
            sidecar.write_text(json.dumps(good[1]) + "\n")
    record(path, clock, 1)
    assert [mark["offset"] for mark in marks(path)[:3]] == [mark["offset"] for mark in good]
    assert [mark["unix"] for mark in marks(path)[1:3]] == [1060.0, 1120.0]
    assert len(marks(path)) == 4


def test_cut_anywhere_what_was_whole_is_kept_and_the_file_is_whole_again(path: Path, clock: Clock) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    sizes = [path.stat().st_size]
    for _ in range(5):
        tick(recorder, clock, 25.0)
        sizes.append(path.stat().st_size)
    whole = path.read_bytes()
    recorder.close()
    for cut in range(sizes[0], len(whole) + 1):
        path.write_bytes(whole[:cut])
        Recorder.open(path, HEADER, clock=clock).close()
        kept = [line["tick"]["unix"] for line in lines(path) if "tick" in line]
        assert len(kept) == sum(size <= cut for size in sizes[1:])


TAILS = {
    "one zero": bytes(1),
    "zeros": bytes(4096),
    "ones": b"\xff" * 100,
    "half a header": b"\x28\xb5\x2f\xfd",
    "half a frame": b"\x28\xb5\x2f\xfd\0\x58\x05\0\0",
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_what_a_power_failure_may_leave_behind_is_cut_off(path: Path, clock: Clock, tail: bytes) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    tick(recorder, clock)
    torn = path.read_bytes() + tail
    recorder.close()
    for closed in (path.read_bytes() + tail, torn):
        path.write_bytes(closed)
        record(path, clock, 1)
        assert [next(iter(line)) for line in lines(path)] == ["engineroom", "tick"] * 2


def test_a_file_that_is_no_recording_is_left_alone(path: Path, tmp_path: Path) -> None:
    for content in (b"dear diary", b"\x28\xb5", zstandard.compress(b'{"mine": 1}\n')):
        path.write_bytes(content)
        with pytest.raises(RequestFailed, match="is no recording"):
            Recorder.open(path, HEADER)
        assert path.read_bytes() == content
    elsewhere = {tmp_path: "directory", tmp_path / "no" / "x": "does not exist", Path("/dev/null"): "regular"}
    for place, says in elsewhere.items():
        with pytest.raises(RequestFailed, match=says):
            Recorder.open(place, HEADER)


def test_damage_that_no_kill_can_do_is_not_cut_off(path: Path, clock: Clock) -> None:
    record(path, clock, 1)
    content = path.read_bytes() + b"\xff" * 5_000_000
    path.write_bytes(content)
    with pytest.raises(RequestFailed, match="Damaged recording"):
        Recorder.open(path, HEADER)
    assert path.read_bytes() == content


def test_one_file_has_one_writer(path: Path) -> None:
    recorder = Recorder.open(path, HEADER)
    with pytest.raises(RequestFailed, match="Already recording"):
        Recorder.open(path, HEADER)
    recorder.close()
    Recorder.open(path, HEADER).close()


# ── kill -9 ───────────────────────────────────────────────────────────────────────────────────────────────

WRITER = """
import sys
from pathlib import Path
from supervisor.recorder import Recorder

recorder = Recorder.open(Path(sys.argv[1]), {"host": "box"})
number = 0
while True:
    recorder.tick({"unix": float(number), "number": number, "text": "x" * (number % 500)})
    print(number, flush=True)
    number += 1
"""


def test_kill_9_loses_nothing_acknowledged(path: Path) -> None:
    acknowledged = 0
    for life, enough in enumerate((1, 40, 700), start=1):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as writer:
            assert writer.stdout is not None
            said = list(itertools.islice(writer.stdout, enough))
            writer.send_signal(signal.SIGKILL)
            said += list(writer.stdout)
        acknowledged += len(said)
        copy = path.with_name(f"after-{life}.jsonl.zst")
        shutil.copy(path, copy)
        Recorder.open(copy, HEADER).close()
        came = [line["tick"]["number"] for line in lines(copy) if "tick" in line]
        assert acknowledged <= len(came) <= acknowledged + life
        assert came[-len(said) :] == list(range(came[-1] + 1))[-len(said) :]


# ── a full disk ───────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes: writes come up short, then fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_what_waited_is_written_when_there_is_room(path: Path, clock: Clock) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    with no_room_beyond(path.stat().st_size + 100):
        for _ in range(100):
            tick(recorder, clock)
        assert recorder.problem is not None
        assert "File too large" in recorder.problem.detail
    tick(recorder, clock)
    assert recorder.problem is None
    recorder.close()
    assert recorder.ticks == 101
    assert [line["tick"]["unix"] for line in lines(path)[1:]] == [1001.0 + n for n in range(101)]
    record(path, clock, 1)
    assert len(marks(path)) == 3


def test_a_disk_full_for_too_long_leaves_a_gap_that_says_so(path: Path, clock: Clock) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    noise = os.urandom(HELD_LIMIT_BYTES).hex()
    with no_room_beyond(path.stat().st_size + 100):
        recorder.tick({"unix": 1001.0, "noise": noise})
        for _ in range(3):
            clock.now += 1
            recorder.tick({"unix": clock.now})
        assert recorder.problem is not None
        assert "3 lines are lost" in recorder.problem.detail
    tick(recorder, clock)
    recorder.close()
    _, noisy, gap, after = lines(path)
    assert noisy["tick"]["noise"] == noise
    assert gap == {"gap": {"from_unix": 1001.0, "to_unix": 1003.0, "lines": 3}}
    assert after["tick"]["unix"] == 1004.0
    assert recorder.ticks == 2


def test_closing_on_a_full_disk_leaves_a_whole_file(path: Path, clock: Clock) -> None:
    recorder = Recorder.open(path, HEADER, clock=clock)
    with no_room_beyond(path.stat().st_size + 100):
        for _ in range(100):
            tick(recorder, clock)
        recorder.close()
    kept = lines(path)
    assert 1 < len(kept) < 100
    assert len(marks(path)) == 1


def test_no_room_for_a_header_is_said_at_once_and_leaves_what_was_there(path: Path, clock: Clock) -> None:
    record(path, clock, 1)
    before = path.read_bytes()
    with no_room_beyond(len(before) + 10), pytest.raises(RequestFailed, match="File too large"):
        Recorder.open(path, HEADER)
    assert path.read_bytes() == before
