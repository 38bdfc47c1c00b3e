"""What `engineroom service install` writes is a supervisor that runs, in the foreground, until it is told to end."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator

import pytest
from room_kit import Room, gone, open_room, wait_for


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room('[engine.fake]\nkind = "fake"\npreload = true\nfork_child = true\n') as room:
        room.environ |= {"HOME": str(room.work), "PATH": str(room.work / "no programs")}
        yield room


def test_the_unit_runs_a_supervisor_that_ends_in_order(room: Room) -> None:
    """Its text is read as systemd reads it where nothing odd is in it."""
    room.run("service", "install", code=1)  # without systemctl it writes the unit, and no more
    (file,) = (room.work / ".config" / "systemd" / "user").glob("*.service")
    said = [line.partition("=") for line in file.read_text().splitlines()]
    values = {name: value for name, _, value in said}
    environment = dict(word.split("=", 1) for name, _, value in said if name == "Environment" for word in [value])
    with open(values["StandardError"].removeprefix("append:"), "ab") as log:
        one = subprocess.Popen(
            shlex.split(values["ExecStart"]), cwd=values["WorkingDirectory"], env=environment, stdout=log, stderr=log
        )
    wait_for((room.state / "socket").exists, "it listens")
    room.await_engine("fake", "ready")
    status = room.json("status")["supervisor"]
    assert (status["pid"], status["keeper"]) == (one.pid, "systemd")
    processes = room.processes()
    assert len(processes) == 2
    one.send_signal(signal.SIGTERM)
    assert one.wait(20) == 0
    assert all(gone(process.pid) for process in processes.values())
