"""The real dashboard on a real pty, before a real supervisor: closed like a terminal, opened again."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest
from room_kit import Room, open_room, wait_for
from terminal_kit import Terminal


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room('[engine.fake]\nkind = "fake"\nseconds_per_unit = 0.05\n') as room:
        yield room


def test_a_closed_terminal_stops_nothing_and_the_next_shows_the_truth(room: Room) -> None:
    prompts = room.work / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"id": f"p{n}", "prompt": f"prompt {n}"}) + "\n" for n in range(100)))
    first = Terminal(room)
    wait_for(lambda: first.shows("Engine Room", "fake"), "the first frame")
    job = room.submit("fake", str(prompts), "-o", str(room.work / "answers.jsonl"))
    wait_for(lambda: first.shows(job, "running"), "the running job")
    supervisor = room.supervisor_pid()
    first.hang_up()
    second = Terminal(room)
    wait_for(lambda: second.shows(f"✓ {job}", "100 %"), "the job's end, on another terminal")
    assert room.supervisor_pid() == supervisor
    assert len((room.work / "answers.jsonl").read_text().splitlines()) == 100
    second.press("q")
    wait_for(second.ended, "q leaves")
    assert room.supervisor_pid() == supervisor


def test_the_dashboard_comes_back_by_itself_after_the_supervisor_was_killed(room: Room) -> None:
    terminal = Terminal(room)
    wait_for(lambda: terminal.shows("Engine Room", "fake"), "the first frame")
    room.run("start", "fake")
    wait_for(lambda: terminal.shows("ready"), "the ready engine")
    os.kill(room.supervisor_pid(), signal.SIGKILL)
    wait_for(lambda: terminal.shows("not started"), "the new supervisor's truth")
    room.run("start", "fake")
    wait_for(lambda: terminal.shows("● fake", "ready"), "the ready engine again")
    terminal.press("q")
    wait_for(terminal.ended, "q leaves")


def test_a_failed_engine_shows_its_last_lines(room: Room) -> None:
    room.config += "crash_at_start = true\nstderr_bytes = 1000\n"
    room.run("up")
    room.run("start", "fake", code=1)
    last = room.engine("fake")["log_tail"][-1].strip()
    terminal = Terminal(room)
    wait_for(lambda: terminal.shows("✕ fake", "failed"), "the failed engine")
    terminal.press("l")
    began = time.monotonic()
    wait_for(lambda: terminal.shows(last[:40]), f"{last[:40]!r} in its log")
    assert time.monotonic() - began < 5
    terminal.press("\x1b")
    terminal.press("q")
