"""What the operator said is there for the next supervisor: on a slow disk nobody waits for it, on a full one it is
said that it is not."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from folder_kit import Folder
from room_kit import Room, kill, open_room, wait_for

TWO = '[engine.fake]\nkind = "fake"\n[engine.other]\nkind = "fake"\n'


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room(TWO) as room:
        yield room


@pytest.fixture
def disk(room: Room) -> Iterator[Folder]:
    """The state folder, on a disk of its own."""
    disk = Folder(room.state, megabytes=8)
    yield disk
    room.run("down", code=None)
    disk.close()


def words(room: Room, about: str) -> list[str]:
    return [happening["word"] for happening in room.happenings() if happening["about"] == about]


def text_of(room: Room, word: str) -> str:
    (text,) = [str(happening["text"]) for happening in room.happenings() if happening["word"] == word]
    return text


def begin(room: Room, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        room.command(*arguments),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=room.environment(), cwd=room.work,
    )  # fmt: skip


def blocked(path: Path) -> None:
    """From now on, whoever opens it waits until somebody writes to it: a disk can be no slower."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def unblock(path: Path, content: str) -> None:
    path.write_text(content)


def test_set_on_a_slow_disk_holds_up_nobody_and_two_at_once_lose_nothing(room: Room) -> None:
    room.run("up")
    file = room.state / "set.json"
    blocked(file)
    both = [begin(room, "set", "fake", "parallel=2"), begin(room, "set", "other", "parallel=3")]
    wait_for(lambda: room.run("ps").stdout, "the supervisor answers", seconds=5)
    room.run("start", "fake", seconds=5)
    wait_for(lambda: _settings(room, "fake") == 2 and _settings(room, "other") == 3, "both are in force")
    assert [one.poll() for one in both] == [None, None], "neither is on disk"
    unblock(file, '{"engines": {"fake": {"seconds_per_unit": 0.25}}}')
    for one in both:
        said = one.communicate(timeout=20)
        assert one.returncode == 0, said
    kept = json.loads(file.read_text())["engines"]
    assert kept == {"fake": {"seconds_per_unit": 0.25, "parallel": 2}, "other": {"parallel": 3}}
    assert "settings-not-kept" not in words(room, "fake") + words(room, "other")


def _settings(room: Room, engine: str) -> int:
    return next(int(knob["value"]) for knob in room.json("knobs", engine) if knob["name"] == "parallel")


def test_a_setting_that_cannot_be_kept_says_so_in_the_answer(room: Room, disk: Folder) -> None:
    room.run("up")
    why = disk.full(True)
    done = room.run("set", "fake", "parallel=2")
    assert "could not be kept for the next start" in done.stdout
    assert why in done.stdout
    assert why in text_of(room, "settings-not-kept")
    assert _settings(room, "fake") == 2


def test_a_stop_that_cannot_be_kept_is_said_and_kept_as_soon_as_there_is_room(room: Room, disk: Folder) -> None:
    room.config = TWO.replace("\n[engine.other]", "\npreload = true\n[engine.other]")
    room.run("up")
    room.await_engine("fake", "ready")
    why = disk.full(True)
    done = room.run("stop", "fake")
    assert f"could not be kept for the next supervisor ({room.state}/stopped.json: {why})" in done.stderr + done.stdout
    assert room.engine("fake")["state"] == "stopped"
    assert why in text_of(room, "stop-not-kept")
    disk.full(False)
    wait_for(lambda: "stop-kept" in words(room, "fake"), "it is kept")
    assert words(room, "fake").count("stop-not-kept") == 1, "said once, however often it is tried"
    kill(before := room.supervisor_pid())
    wait_for(lambda: room.supervisor_pid() != before, "the next supervisor")
    room.run("start", "other")
    assert room.engine("fake")["state"] == "stopped"


def test_a_stop_that_is_no_longer_wanted_is_not_kept_later(room: Room, disk: Folder) -> None:
    room.run("up")
    room.run("start", "fake")
    disk.full(True)
    room.run("stop", "fake")
    assert "could not be kept" not in room.run("start", "fake").stderr
    disk.full(False)
    room.run("stop", "other")
    assert json.loads((room.state / "stopped.json").read_text()) == ["other"]
    assert "stop-kept" not in words(room, "fake")
