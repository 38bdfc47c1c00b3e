"""What goes wrong at a person's hands: one sentence that says what, where and what to do; nothing else stops."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from folder_kit import Folder
from room_kit import ROOT, Room, open_room, wait_for

MINIATURE = ROOT / "engines" / "llm" / "miniature" / "miniature-f16.gguf"
FAKE = '[engine.fake]\nkind = "fake"\n'


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room(FAKE) as room:
        yield room


def says(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """The sentence on stderr has these parts, and no traceback."""
    for part in parts:
        assert part in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def fake_still_works(room: Room) -> None:
    room.run("start", "fake")
    assert room.engine("fake")["state"] == "ready"


def test_a_missing_model_file(room: Room) -> None:
    room.config = FAKE + '[engine.writer]\nkind = "llm"\nmodel = "/models/none.gguf"\n'
    room.run("up")
    says(room.run("start", "writer", code=1), "/models/none.gguf")
    assert room.engine("writer")["state"] == "failed"
    fake_still_works(room)


def test_a_truncated_gguf(room: Room) -> None:
    cut = room.work / "cut.gguf"
    cut.write_bytes(MINIATURE.read_bytes()[:3_000_000])
    room.config = FAKE + f'[engine.writer]\nkind = "llm"\nmodel = "{cut}"\n'
    room.run("up")
    says(room.run("start", "writer", code=1), str(cut), "truncated")
    assert room.engine("writer")["state"] == "failed"
    fake_still_works(room)


def test_a_configuration_with_an_unknown_key(room: Room) -> None:
    room.config = FAKE + "seconds_per_unt = 1\n"
    done = room.run("up", code=2)
    says(done, "engineroom.toml", "seconds_per_unt", "seconds_per_unit")


def test_a_configuration_with_a_wrong_unit(room: Room) -> None:
    room.config = FAKE + 'unload_after = "5 potatoes"\n'
    done = room.run("up", code=2)
    says(done, "engineroom.toml", "unload_after", "5 potatoes")


def test_a_socket_path_that_is_too_long(room: Room) -> None:
    room.state = room.work / ("x" * 110)
    done = room.run("up", code=None)
    assert done.returncode != 0
    says(done, "107", "ENGINEROOM_STATE")


def test_an_engine_that_does_not_exist(room: Room) -> None:
    room.run("up")
    says(room.run("start", "fak", code=1), "fak", "'fake'")
    source = room.work / "p.jsonl"
    source.write_text('{"id": "a", "prompt": "x"}\n')
    says(
        room.run("submit", "fake", str(source), "-o", str(room.work / "o"), "--engine", "fak", code=1), "fak", "'fake'"
    )
    says(room.run("submit", "fakes", str(source), "-o", str(room.work / "o"), code=1), "fakes", "'fake'")
    fake_still_works(room)


def test_an_input_that_does_not_exist(room: Room) -> None:
    room.run("up")
    says(room.run("submit", "fake", "nothing.jsonl", "-o", str(room.work / "o"), code=1), "nothing.jsonl")


def test_a_job_with_malformed_lines_is_done_with_problems_and_says_where(room: Room) -> None:
    room.run("up")
    source, output = room.work / "p.jsonl", room.work / "o.jsonl"
    source.write_text('{"id": "a", "prompt": "x"}\nnot json\n{"id": "c"}\n{"id": "d", "prompt": "y"}\n')
    done = room.run("submit", "fake", str(source), "-o", str(output), "--wait", code=4)
    assert "Traceback" not in done.stderr
    assert [json.loads(line)["id"] for line in output.read_text().splitlines()] == ["a", "d"]
    (row,) = room.json("jobs")
    assert row["state"] == "done with problems"
    shown = room.run("job", "show", row["id"]).stdout
    assert "line 2" in shown
    assert "line 3" in shown


@pytest.fixture
def folder(room: Room) -> Iterator[Folder]:
    folder = Folder(room.work / "out")
    yield folder
    room.run("down", code=None)
    folder.close()


def test_an_output_folder_that_cannot_be_written(room: Room, folder: Folder) -> None:
    folder.writable(False)
    room.run("up")
    source = room.work / "p.jsonl"
    source.write_text('{"id": "a", "prompt": "x"}\n')
    done = room.run("submit", "fake", str(source), "-o", str(folder.path / "o.jsonl"), code=1)
    says(done, str(folder.path))
    fake_still_works(room)


def test_an_output_folder_that_becomes_read_only_holds_the_job_until_it_can_be_written(
    room: Room, folder: Folder
) -> None:
    room.config = FAKE + "seconds_per_unit = 0.3\n"
    room.run("up")
    source = room.work / "p.jsonl"
    source.write_text("".join(json.dumps({"id": str(n), "prompt": "x"}) + "\n" for n in range(5)))
    job = room.submit("fake", str(source), "-o", str(folder.path / "o.jsonl"))
    folder.writable(False)
    row = wait_for(lambda: (r := room.job(job))["state"] == "held" and r, "the job is held")
    assert str(folder.path) in row["reason"]
    folder.writable(True)
    wait_for(lambda: room.job(job)["state"] == "done", "the job ends")
    assert len((folder.path / "o.jsonl").read_text().splitlines()) == 5
