"""Disks and files that fail under a whole room: jobs are held with the reason, engines stay well, nothing is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from disk_kit import SmallDisk, mounting
from room_kit import ROOT, Room, gone, kill, open_room, wait_for

FAKE = '[engine.fake]\nkind = "fake"\nseconds_per_unit = 0.03\n'
UNITS = 120


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room(FAKE) as room:
        yield room


@contextmanager
def small_disk(room: Room, path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Gone before the room, whose processes end first."""
    disk = SmallDisk(path, megabytes)
    try:
        yield disk
    finally:
        room.run("down", code=None)
        disk.close()


def prompts(room: Room) -> Path:
    path = room.work / "prompts.jsonl"
    lines = (json.dumps({"id": f"p{n}", "prompt": f"prompt {n}"}) for n in range(UNITS))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def begin(room: Room, output: Path | None = None) -> str:
    """A job that is well under way."""
    job = room.submit("fake", str(prompts(room)), "-o", str(output or room.work / "out.jsonl"))
    wait_for(lambda: room.job(job)["units_done"] > 10, "some units are done")
    return job


def held(room: Room, job: str) -> str:
    """Why, once it is."""

    def probe() -> str | None:
        row = room.job(job)  # one look: a moment later it may be trying again
        return str(row["reason"]) if row["state"] == "held" else None

    return wait_for(probe, f"{job} is held")


def ends_whole(room: Room, job: str, output: Path | None = None) -> None:
    """It goes on by itself and has every line once, in order."""
    wait_for(lambda: room.job(job)["state"] == "done", f"{job} ends")
    lines = (output or room.work / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"p{n}" for n in range(UNITS)]


def refuses(room: Room, *command: str) -> str:
    """What it says."""
    done = room.run(*command, code=1)
    assert "Traceback" not in done.stderr
    return done.stderr


def another(room: Room) -> str:
    source = room.work / "another.jsonl"
    source.write_text('{"prompt": "x"}\n')
    return refuses(room, "submit", "fake", str(source), "-o", str(room.work / "another.out.jsonl"))


def happened(room: Room) -> list[str]:
    return [what["word"] for what in room.happenings() if what["word"].startswith("store-")]


def engine_is_well(room: Room, pid: int) -> None:
    """The same process as before, and it answers a person."""
    assert room.run("ask", "fake", "well?").stdout.split()
    row = room.engine("fake")
    assert (row["pid"], row["restarts"]) == (pid, 0)


def store_of(room: Room) -> Path:
    return room.state / "jobs.sqlite"


def backed_up(room: Room) -> Path:
    """A copy of the store as a person makes one while it is in use."""
    backup = room.work / "backup.sqlite"
    with closing(sqlite3.connect(store_of(room))) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    return backup


def damage(path: Path) -> None:
    """Overwrite all of it; what is still in the journal would mend it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(b"\xa5" * path.stat().st_size)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes in the store, and takes its time."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


# ── disks ─────────────────────────────────────────────────────────────────────────────────────────────────


@mounting
def test_a_full_state_folder_holds_the_jobs_until_there_is_room(room: Room) -> None:
    with small_disk(room, room.state, 8) as disk:
        room.run("up")
        job = begin(room)
        pid = room.engine("fake")["pid"]
        disk.fill()
        assert "disk is full" in held(room, job)
        engine_is_well(room, pid)
        says = another(room)
        assert "its disk is full" in says
        assert "Make room there" in says
        disk.make_room()
        ends_whole(room, job)
        engine_is_well(room, pid)
        assert happened(room) == ["store-stuck", "store-well"]


@mounting
def test_a_supervisor_that_dies_on_a_full_disk_is_back_and_goes_on_when_there_is_room(room: Room) -> None:
    with small_disk(room, room.state, 8) as disk:
        room.run("up")
        job = begin(room)
        disk.fill()
        held(room, job)
        pid = room.supervisor_pid()
        kill(pid)
        wait_for(lambda: room.supervisor_pid() != pid, "another supervisor")
        assert "its disk is full" in another(room)
        disk.make_room()
        wait_for(lambda: not happened(room) or happened(room)[-1] == "store-well", "the store is well")
        ends_whole(room, job)


@mounting
def test_an_output_that_finds_its_disk_full_is_written_when_there_is_room(room: Room) -> None:
    with small_disk(room, room.work / "out", 1) as disk:
        room.run("up")
        disk.fill()
        output = disk.path / "out.jsonl"
        job = begin(room, output)
        assert held(room, job) == f"{disk.path}: No space left on device"
        assert room.job(job)["units_done"] == UNITS
        assert happened(room) == []
        disk.make_room()
        ends_whole(room, job, output)
        assert [file.name for file in disk.path.iterdir()] == ["out.jsonl"]


def test_an_output_folder_that_is_removed_holds_the_job_until_it_is_there_again(room: Room) -> None:
    room.run("up")
    folder = room.work / "out"
    folder.mkdir()
    job = begin(room, folder / "out.jsonl")
    folder.rmdir()
    assert held(room, job) == f"{folder}: No such file or directory"
    folder.mkdir()
    ends_whole(room, job, folder / "out.jsonl")


# ── the store ─────────────────────────────────────────────────────────────────────────────────────────────


def test_another_programs_lock_holds_the_jobs_and_nothing_else(room: Room) -> None:
    room.run("up")
    job = begin(room)
    pid = room.engine("fake")["pid"]
    slowest = 0.0
    with locked(store_of(room)):
        began = time.monotonic()
        while room.job(job)["state"] != "held":
            looked = time.monotonic()
            room.engine("fake")
            slowest = max(slowest, time.monotonic() - looked)
        assert time.monotonic() - began < 3
        assert slowest < 1
        assert "locked by another program" in room.job(job)["reason"]
        engine_is_well(room, pid)
        assert "fuser -v" in another(room)
    ends_whole(room, job)
    assert happened(room) == ["store-stuck", "store-well"]


def test_a_supervisor_that_begins_under_another_programs_lock_takes_the_jobs_up_after_it(room: Room) -> None:
    room.run("up")
    job = begin(room)
    pid = room.supervisor_pid()
    with locked(store_of(room)):
        kill(pid)
        wait_for(lambda: room.supervisor_pid() != pid, "another supervisor")
        assert "locked by another program" in refuses(room, "jobs")
        assert "locked by another program" in refuses(room, "job", "show", job)
        assert room.run("ask", "fake", "well?").stdout.split()
    wait_for(lambda: happened(room) == ["store-stuck", "store-well"], "the jobs are taken up")
    ends_whole(room, job)


def test_a_store_found_damaged_stops_only_the_jobs_until_a_backup_is_back(room: Room) -> None:
    room.run("up")
    job = begin(room)
    room.run("down")
    backup = room.work / "backup.sqlite"
    shutil.copy(store_of(room), backup)
    damage(store_of(room))
    room.run("up")
    for command in (("jobs",), ("job", "show", job), ("job", "pause", job), ("job", "cancel", job)):
        says = refuses(room, *command)
        assert f"{store_of(room)} is damaged" in says
        assert "Put a backup in its place, or move the file away" in says
    assert "is damaged" in another(room)
    assert room.run("ask", "fake", "well?").stdout.split()
    assert happened(room) == ["store-stuck"]
    backup.replace(store_of(room))
    wait_for(lambda: happened(room) == ["store-stuck", "store-well"], "the jobs are taken up")
    ends_whole(room, job)


def test_a_store_damaged_at_work_is_gone_on_with_from_a_backup(room: Room) -> None:
    room.run("up")
    job = begin(room)
    pid = room.supervisor_pid()
    room.run("job", "pause", job)
    wait_for(lambda: in_flight(room) == 0, "nothing is in the air")
    backup = backed_up(room)
    damage(store_of(room))
    assert "is damaged" in held(room, job)
    assert "is damaged" in refuses(room, "job", "resume", job)
    backup.replace(store_of(room))
    wait_for(lambda: room.job(job)["state"] == "paused", "the store is well")
    room.run("job", "resume", job)
    ends_whole(room, job)
    assert room.supervisor_pid() == pid


def test_a_deleted_store_is_written_anew_and_the_job_goes_on(room: Room) -> None:
    room.run("up")
    job = begin(room)
    store_of(room).unlink()
    ends_whole(room, job)
    assert happened(room) == ["store-stuck", "store-well"]
    room.run("down")
    room.run("up")
    assert room.job(job)["state"] == "done"


def test_a_replaced_store_is_taken_up_by_another_supervisor(room: Room) -> None:
    room.run("up")
    job = begin(room)
    backup = backed_up(room)
    done = room.job(job)["units_done"]
    wait_for(lambda: room.job(job)["units_done"] > done + 20, "more is done than is in the backup")
    pid, engine = room.supervisor_pid(), room.engine("fake")["pid"]
    backup.replace(store_of(room))
    wait_for(lambda: gone(pid), "the supervisor ends")
    wait_for(lambda: room.supervisor_pid() != pid, "another begins")
    assert gone(engine)
    ends_whole(room, job)
    (kept,) = room.state.glob("jobs.sqlite.until-*")
    log = (room.state / "supervisor.log").read_text()
    assert f"ours is kept as {kept}." in log
    with closing(sqlite3.connect(kept)) as connection:
        (units,) = connection.execute("SELECT count(*) FROM units WHERE state = 'done'").fetchone()
    assert units > done + 20


def test_a_replaced_store_under_a_supervisor_that_nobody_keeps_holds_the_jobs(room: Room) -> None:
    environment = {**room.environment(), "ENGINEROOM_KEEPER": "", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "supervisor.daemon", "--state", str(room.state)]
    with subprocess.Popen([*command, "--config", environment["ENGINEROOM_CONFIG"]], env=environment) as supervisor:
        wait_for((room.state / "socket").exists, "the supervisor listens")
        job = begin(room)
        backup = backed_up(room)
        done = room.job(job)["units_done"]
        wait_for(lambda: room.job(job)["units_done"] > done, "more is done than is in the backup")
        backup.replace(store_of(room))
        assert "was replaced while it was in use" in held(room, job)
        assert "`engineroom down`, then `engineroom up`" in another(room)
        engine_is_well(room, room.engine("fake")["pid"])
        assert supervisor.poll() is None
        room.run("down")
    room.run("up")
    ends_whole(room, job)


def in_flight(room: Room) -> int:
    return room.run("ps").stdout.count("in flight")
