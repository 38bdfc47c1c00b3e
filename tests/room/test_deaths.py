"""Engines with bad habits under a real supervisor: what becomes of them, and what is said about it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from functools import partial

import pytest
from room_kit import Room, gone, kill, open_room, wait_for

FAKE = '[engine.fake]\nkind = "fake"\n'


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room(FAKE) as room:
        yield room


def configure(room: Room, **habits: object) -> None:
    room.config = FAKE + "".join(f"{name} = {json.dumps(value)}\n" for name, value in habits.items())


def another_process(room: Room, pid: int) -> bool:
    return room.engine("fake")["pid"] not in (pid, None)


def test_an_engine_that_crashes_at_once_is_failed_after_three_deaths_with_its_last_lines(room: Room) -> None:
    configure(room, crash_at_start=True, stderr_bytes=2000)
    room.run("up")
    room.run("start", "fake", code=1)
    row = room.engine("fake")
    assert row["state"] == "failed"
    deaths = [what for what in room.happenings() if what["word"] in ("engine-died", "engine-failed")]
    assert len(deaths) == 3, deaths
    assert "3 deaths" in deaths[-1]["text"]
    assert row["pid"] is None
    assert row["log_tail"], "its last lines belong to the state"


def test_an_engine_killed_from_outside_five_times_comes_back_each_time(room: Room) -> None:
    room.run("up")
    room.run("start", "fake")
    seen = set()
    for _ in range(5):
        pid = room.await_engine("fake", "ready")["pid"]
        seen.add(pid)
        kill(pid)
        wait_for(partial(another_process, room, pid), "another process")
    row = room.await_engine("fake", "ready")
    assert row["pid"] not in seen
    assert row["restarts"] == 5
    assert len(seen) == 5


def test_an_engine_that_ignores_sigterm_is_gone_by_kill_and_the_rung_is_recorded(room: Room) -> None:
    configure(room, ignore_term=True, stop_limit=0.3)
    room.run("up")
    room.run("start", "fake")
    pid = room.engine("fake")["pid"]
    room.run("stop", "fake")
    assert gone(pid)
    texts = [what["text"] for what in room.happenings()]
    assert any("SIGTERM" in text for text in texts), texts
    assert any("SIGKILL" in text for text in texts), texts
    assert room.engine("fake")["state"] == "stopped"


def test_a_flood_on_stderr_before_the_handshake_blocks_nothing(room: Room) -> None:
    configure(room, stderr_bytes=300_000)
    room.run("up")
    room.run("start", "fake")
    assert room.engine("fake")["state"] == "ready"


def test_an_engine_that_holds_the_gil_is_dumped_killed_and_replaced(room: Room) -> None:
    configure(room, hang_after=2.0)
    room.run("up")
    prompts = room.work / "prompts.jsonl"
    prompts.write_text(json.dumps({"id": "a", "prompt": "hi", "habit": "hold_gil"}) + "\n")
    room.run("start", "fake")
    pid = room.engine("fake")["pid"]
    room.submit("fake", str(prompts), "-o", str(room.work / "answers.jsonl"))
    wait_for(lambda: gone(pid), "the stuck process is killed")
    wait_for(lambda: room.engine("fake")["pid"] not in (None, pid), "another process")
    log = room.run("logs", "fake", "-n", "500").stdout
    assert "most recent call first" in log, log
    assert any(what["word"] == "engine-hung" for what in room.happenings())


def test_a_grandchild_in_a_session_of_its_own_goes_with_its_engine(room: Room) -> None:
    configure(room, fork_child=True)
    room.run("up")
    room.run("start", "fake")
    wait_for(lambda: len([name for name in room.processes() if name.startswith("fake")]) == 2, "a grandchild")
    kill(room.engine("fake")["pid"])
    pids = {process.pid for process in room.processes().values()}
    room.run("stop", "fake")
    wait_for(lambda: not room.processes(), f"none of {pids} is left")


def test_a_stopped_process_still_counts_as_hung(room: Room) -> None:
    configure(room, hang_after=1.5)
    room.run("up")
    room.run("start", "fake")
    pid = room.engine("fake")["pid"]
    kill(pid, signal.SIGSTOP)
    wait_for(lambda: gone(pid), "the stopped process is killed")
    assert room.await_engine("fake", "ready")["pid"] != pid


def test_a_polite_kill_from_outside_is_nobodys_fault_either(room: Room) -> None:
    room.run("up")
    room.run("start", "fake")
    for _ in range(4):
        pid = room.await_engine("fake", "ready")["pid"]
        kill(pid, signal.SIGTERM)
        wait_for(partial(another_process, room, pid), "another process")
    assert room.await_engine("fake", "ready")["restarts"] == 4
