"""Environments and a real supervisor: which one its engines, desks and appraisers run in, and what may hinder it."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import msgspec
from disk_kit import SmallDisk, mounting
from ledger_kit import card, open_box
from room_kit import Room, open_room

from engines.environments.machine import this_machine
from engines.environments.present import digests_of
from engines.environments.record import RECORD, Environment, SelfTest, python_of

ENGINE = '[engine.one]\nkind = "fake"\n'


def make(room: Room, name: str, *, ok: bool = True) -> Path:
    """An environment of kind `fake` that notes which of our modules are started in it; the newest there is."""
    folder = data(room) / "environments" / name
    python_of(folder).parent.mkdir(parents=True)
    started = folder / "started"
    python_of(folder).write_text(
        f'#!/bin/sh\necho "$3" >> {shlex.quote(str(started))}\nRUNS_IN={name} exec {shlex.quote(sys.executable)} "$@"\n'
    )
    python_of(folder).chmod(0o755)
    here, now = this_machine(), time.time()
    made = Environment(
        "fake", "cpu", digests_of("fake")["cpu"], "", (), (), here.platform, here.python, "", now, 1.0, now,
        SelfTest(ok, "cpu", "it starts"),
    )  # fmt: skip
    (folder / RECORD).write_bytes(msgspec.json.encode(made))
    return started


def data(room: Room) -> Path:
    room.environ["ENGINEROOM_DATA"] = str(room.work / "data")
    return room.work / "data"


def runs_in(room: Room, name: str) -> str:
    """The environment that the engine's process runs in; empty for the supervisor's own Python."""
    return room.processes()[name].environ().get("RUNS_IN", "")


def test_the_newest_environment_is_taken_at_the_next_start_without_a_new_supervisor() -> None:
    with open_room(ENGINE) as room:
        data(room)
        room.run("up")
        supervisor = room.supervisor_pid()
        room.run("start", "one")
        assert runs_in(room, "one") == ""
        started = make(room, "first")
        make(room, "broken", ok=False)
        room.run("restart", "one")
        assert runs_in(room, "one") == "first"
        assert str(started.parent) in room.run("logs", "one").stdout
        make(room, "second")
        assert runs_in(room, "one") == "first", "what runs goes on as it is"
        room.run("restart", "one")
        assert runs_in(room, "one") == "second"
        assert room.supervisor_pid() == supervisor


def test_desks_and_appraisers_run_in_it_too_and_list_and_doctor_say_who_does() -> None:
    with open_room(ENGINE) as room:
        started = make(room, "only")
        source = room.work / "in.jsonl"
        source.write_text('{"prompt": "a"}\n')
        room.run("submit", "fake", str(source), "-o", str(room.work / "out.jsonl"), "--wait")
        assert set(started.read_text().split()) == {"engines.appraiser", "engines.child", "engines.desk"}
        (listed,) = room.json("env", "list")
        assert (listed["name"], listed["engines"]) == ("only", ["one"])
        assert "one runs in: only; its self-test: it starts" in room.run("doctor", code=None).stdout


def test_an_interpreter_that_the_configuration_names_comes_first() -> None:
    with open_room() as room:
        make(room, "named")
        make(room, "newest")
        room.config = f"{ENGINE}python = {str(python_of(data(room) / 'environments' / 'named'))!r}\n"
        room.run("up")
        room.run("start", "one")
        assert runs_in(room, "one") == "named"


@mounting
def test_a_full_disk_is_told_and_leaves_nothing_that_looks_whole() -> None:
    with open_room(ENGINE) as room:
        disk = SmallDisk(data(room), 1)
        try:
            disk.fill(leave_bytes=24_000)
            said = room.run("env", "sync", "fake", code=1).stderr
            assert "Disk full" in said
            assert "set ENGINEROOM_DATA to a larger disk" in said
            assert room.json("env", "list") == []
        finally:
            disk.close()


def test_on_a_box_with_a_gpu_it_is_made_for_the_gpu_and_compilers_are_looked_for_first() -> None:
    with open_box(ENGINE, card(0)) as box:
        data(box.room)
        box.room.environ["PATH"] = "/nowhere"
        said = box.room.run("env", "sync", "llm", code=1).stderr
        assert "making llm-cuda-" in said
        assert "engineroom: No compiler: llama.cpp is compiled for this machine" in said
        assert "installing" not in said
