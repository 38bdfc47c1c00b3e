"""Jobs and processes through the deaths of engine, supervisor, keeper and terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from room_kit import ROOT, Room, gone, kill, open_room, wait_for

PROMPTS = ROOT / "examples" / "prompts.jsonl"
LLM = '[engine.writer]\nkind = "llm"\ndeterministic = true\nthreads = 1\n'
FAKE = '[engine.fake]\nkind = "fake"\nseconds_per_unit = 0.05\n'


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room(LLM) as room:
        yield room


@pytest.fixture
def fake_room() -> Iterator[Room]:
    with open_room(FAKE) as room:
        yield room


def ids_of(path: os.PathLike[str]) -> list[str]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line)["id"] for line in lines]


def many_prompts(room: Room) -> Path:
    """Two hundred for the fake, ten seconds of work."""
    path = room.work / "prompts.jsonl"
    path.write_text("".join(json.dumps({"id": f"p{n}", "prompt": f"prompt {n}"}) + "\n" for n in range(200)))
    return path


def answered(room: Room, job: str, count: int) -> bool:
    return bool(room.job(job)["units_done"] >= count)


def another_supervisor(room: Room, pid: int) -> bool:
    return room.supervisor_pid() != pid


def wait_for_job(room: Room, job: str, seconds: float = 240.0) -> dict[str, object]:
    def ended() -> dict[str, object] | None:
        row = room.job(job)
        return row if row["state"] in ("done", "done with problems", "failed", "cancelled") else None

    return wait_for(ended, f"{job} ends", seconds)


@pytest.mark.timeout(400)
def test_two_hundred_prompts_survive_five_engine_and_two_supervisor_kills(room: Room) -> None:
    undisturbed, disturbed = room.work / "undisturbed.jsonl", room.work / "disturbed.jsonl"
    room.run("up")
    assert wait_for_job(room, room.submit("llm", str(PROMPTS), "-o", str(undisturbed)))["state"] == "done"

    job = room.submit("llm", str(PROMPTS), "-o", str(disturbed))
    engines, supervisors = set(), set()
    for step in range(7):
        done = 20 + 22 * step
        wait_for(partial(answered, room, job, done), f"{done} answers", 120)
        if step in (2, 5):
            pid = room.supervisor_pid()
            supervisors.add(pid)
            kill(pid)
            wait_for(partial(another_supervisor, room, pid), "the keeper starts another supervisor")
        else:
            pid = wait_for(lambda: room.engine("writer")["pid"], "an engine")
            engines.add(pid)
            kill(pid)
    assert (len(engines), len(supervisors)) == (5, 2)

    row = wait_for_job(room, job)
    assert row["state"] == "done"
    assert (row["units_done"], row["units_failed"]) == (200, 0)
    assert ids_of(disturbed) == ids_of(PROMPTS)
    assert disturbed.read_bytes() == undisturbed.read_bytes()


def test_closing_the_terminal_stops_nothing(fake_room: Room) -> None:
    room, prompts = fake_room, many_prompts(fake_room)
    output = room.work / "answers.jsonl"
    primary, secondary = pty.openpty()
    terminal = subprocess.Popen(
        room.command("submit", "fake", str(prompts), "-o", str(output), "--wait"),
        stdin=secondary, stdout=secondary, stderr=secondary, env=room.environment(), cwd=room.work,
        start_new_session=True,
    )  # fmt: skip
    os.close(secondary)
    wait_for(lambda: (room.state / "socket").exists() and len(room.json("jobs")), "the job is under way")
    (row,) = room.json("jobs") if isinstance(room.json("jobs"), list) else room.json("jobs")["jobs"]
    assert row["state"] not in ("done", "failed")
    os.killpg(terminal.pid, signal.SIGHUP)
    os.close(primary)
    terminal.wait()
    assert wait_for_job(room, row["id"])["state"] == "done"
    assert ids_of(output) == ids_of(prompts)


@pytest.mark.parametrize("condition", ["well", "stopped", "stuck"])
def test_no_engine_is_left_a_second_after_the_supervisor_is_killed(fake_room: Room, condition: str) -> None:
    room = fake_room
    room.run("up")
    room.run("start", "fake")
    pid = room.engine("fake")["pid"]
    if condition == "stopped":
        kill(pid, signal.SIGSTOP)
    if condition == "stuck":
        source = room.work / "one.jsonl"
        source.write_text(json.dumps({"id": "a", "prompt": "x", "habit": "hold_gil"}) + "\n")
        job = room.submit("fake", str(source), "-o", str(room.work / "one.out.jsonl"))
        wait_for(lambda: "in flight" in room.run("ps").stdout, f"{job} is in the air")
    kill(room.keeper_pid())
    kill(room.supervisor_pid())
    wait_for(lambda: gone(pid), "the engine is gone with its supervisor", seconds=1.0)


def test_a_new_supervisor_sweeps_what_the_old_one_left(fake_room: Room) -> None:
    room, prompts = fake_room, many_prompts(fake_room)
    room.config = FAKE + "fork_child = true\n"
    room.run("up")
    room.run("start", "fake")
    room.submit("fake", str(prompts), "-o", str(room.work / "answers.jsonl"))
    wait_for(lambda: "fake:desk" in room.processes(), "a desk")
    left = {process.pid for process in room.processes().values()}
    assert len(left) == 3, "engine, grandchild and desk"
    kill(room.keeper_pid())
    kill(room.supervisor_pid())
    room.run("up")
    assert all(gone(pid) for pid in left)


def test_the_supervisor_comes_back_by_itself_and_the_job_goes_on(fake_room: Room) -> None:
    room, prompts = fake_room, many_prompts(fake_room)
    output = room.work / "answers.jsonl"
    room.run("up")
    job = room.submit("fake", str(prompts), "-o", str(output))
    wait_for(lambda: room.job(job)["units_done"] > 20, "some answers")
    pid = room.supervisor_pid()
    kill(pid)
    wait_for(partial(another_supervisor, room, pid), "another supervisor")
    assert wait_for_job(room, job)["state"] == "done"
    assert ids_of(output) == ids_of(prompts)


def test_a_killed_keeper_is_replaced(fake_room: Room) -> None:
    room = fake_room
    room.run("up")
    first = room.keeper_pid()
    kill(first)
    wait_for(lambda: room.keeper_pid() != first and not gone(room.keeper_pid()), "another keeper")
    pid = room.supervisor_pid()
    kill(pid)
    wait_for(partial(another_supervisor, room, pid), "the new keeper starts another supervisor")


def test_the_on_done_command_runs_in_the_folder_of_the_output(fake_room: Room) -> None:
    room, prompts = fake_room, many_prompts(fake_room)
    prompts.write_text("".join(prompts.read_text().splitlines(keepends=True)[:3]))
    room.run("up")
    command = 'echo "$ENGINEROOM_JOB $ENGINEROOM_JOB_STATE $ENGINEROOM_JOB_OUTPUT" > done.txt'
    output = room.work / "answers.jsonl"
    job = room.submit("fake", str(prompts), "-o", str(output), "--on-done", command)
    told = wait_for(lambda: (room.work / "done.txt").exists() and (room.work / "done.txt").read_text(), "the command")
    assert told == f"{job} done {output}\n"


def test_a_new_supervisor_tells_of_the_crash_and_of_what_it_swept(fake_room: Room) -> None:
    room = fake_room
    room.config = FAKE + "fork_child = true\n"
    room.run("up")
    room.run("start", "fake")
    left = {name: process.pid for name, process in room.processes().items()}
    pid = room.supervisor_pid()
    kill(pid)
    wait_for(partial(another_supervisor, room, pid), "another supervisor")
    (up,) = [what["text"] for what in room.happenings() if what["word"] == "supervisor-up"]
    assert "did not end in order" in up
    assert any(f"({pid})" in up for pid in left.values()), (up, left)
