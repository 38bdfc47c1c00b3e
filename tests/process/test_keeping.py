"""The keeper with a small program in the supervisor's place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from standins import eventually, lives

SUPERVISOR = """
import os, pathlib, signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
state = pathlib.Path(sys.argv[1])
lives = state / "lives"
with lives.open("a") as file:
    print(os.getpid(), os.environ.get("ENGINEROOM_KEEPER", ""), time.monotonic(), file=file)
number = len(lives.read_text().splitlines())
socket = state / "socket"
socket.write_text("")

def end(code):
    socket.unlink()
    sys.exit(code)

PLAN
signal.sigwait([signal.SIGTERM])
end(0)
"""


class Room:
    """A state folder, and whoever was started on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._started: list[subprocess.Popen[str]] = []

    def plan(self, text: str = "") -> list[str]:
        """The command of a supervisor that does so in its `number`th life."""
        (self.state / "standin.py").write_text(SUPERVISOR.replace("PLAN", text))
        return [sys.executable, str(self.state / "standin.py"), str(self.state)]

    def keep(self, command: list[str], *options: str) -> subprocess.Popen[str]:
        keeper = [sys.executable, "-m", "supervisor.keeper", "--state", str(self.state), *options]
        return self.start([*keeper, "--", *command])

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        one = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._started.append(one)
        return one

    def lives(self) -> list[tuple[int, str, float]]:
        """Of each life so far: the pid, the keeper's pid and when it began."""
        path = self.state / "lives"
        lines = path.read_text().splitlines() if path.exists() else []
        told = [line.split(" ") for line in lines if line.count(" ") == 2]
        return [(int(pid), keeper, float(at)) for pid, keeper, at in told]

    def latest(self, count: int) -> int:
        """The pid of the `count`th life, once it has begun and can be ended."""
        eventually(lambda: len(self.lives()) >= count and (self.state / "socket").exists())
        return self.lives()[count - 1][0]

    def keeper_pid(self) -> str:
        path = self.state / "keeper.pid"
        return path.read_text() if path.exists() else ""

    def clear(self) -> None:
        for one in self._started:
            if one.poll() is None:
                one.kill()
        for pid, _, _ in self.lives():
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
        for one in self._started:
            print(one.args, one.returncode, one.communicate(timeout=20)[1])  # shown when the test fails


@pytest.fixture
def room(tmp_path: Path) -> Generator[Room]:
    room = Room(tmp_path)
    yield room
    room.clear()


def test_a_crashed_supervisor_starts_again_at_once_then_ever_later(room: Room) -> None:
    keeper = room.keep(room.plan("if number < 4: os.kill(os.getpid(), 9) if number == 1 else os._exit(1)"))
    room.latest(4)
    assert room.keeper_pid() == str(keeper.pid)
    begun = [at for _, told, at in room.lives() if told == str(keeper.pid)]
    gaps = [after - before for before, after in zip(begun, begun[1:], strict=False)]
    assert len(gaps) == 3
    assert gaps[1] >= 0.1
    assert gaps[2] >= 0.2
    keeper.terminate()
    _, errors = keeper.communicate(timeout=20)
    assert keeper.returncode == 0
    assert [line.split("ended with ")[1] for line in errors.splitlines()] == [
        "signal 9; it starts again in 0 s.",
        "exit code 1; it starts again in 0.1 s.",
        "exit code 1; it starts again in 0.2 s.",
    ]


@pytest.mark.parametrize("code", [0, 3])
def test_it_ends_with_a_supervisor_that_ends_by_its_own_will(room: Room, code: int) -> None:
    keeper = room.keep(room.plan(f"end({code})"))
    assert keeper.wait(timeout=20) == code
    assert len(room.lives()) == 1
    assert room.keeper_pid() == ""


def test_sigterm_is_passed_on_and_waited_for(room: Room) -> None:
    keeper = room.keep(room.plan("signal.sigwait([signal.SIGTERM]); time.sleep(0.3); os._exit(9)"))
    supervisor = room.latest(1)
    keeper.terminate()
    assert keeper.wait(timeout=20) == 9  # a crash on the way out starts nothing again
    assert not lives(supervisor)
    assert len(room.lives()) == 1


def test_sigterm_between_two_lives_ends_it(room: Room) -> None:
    keeper = room.keep(room.plan("os._exit(1)"))
    eventually(lambda: len(room.lives()) >= 4)
    keeper.terminate()
    assert keeper.wait(timeout=20) in (0, 1)  # 1 when it came during a life after all


def test_a_closed_terminal_stops_nothing(room: Room) -> None:
    keeper = room.keep(room.plan())
    supervisor = room.latest(1)
    keeper.send_signal(signal.SIGHUP)
    os.kill(supervisor, signal.SIGKILL)
    room.latest(2)
    assert keeper.poll() is None


def test_a_second_keeper_leaves_the_folder_to_the_first(room: Room) -> None:
    command = room.plan()
    first = room.keep(command)
    room.latest(1)
    second = room.keep(command)
    _, errors = second.communicate(timeout=20)
    assert second.returncode == 3
    assert f"pid {first.pid} keeps {room.state} already" in errors
    assert len(room.lives()) == 1


def test_killing_the_keeper_ends_nothing_and_another_adopts(room: Room) -> None:
    command = room.plan()
    room.keep(command).kill()
    first = room.keep(command)
    supervisor = room.latest(1)
    first.kill()
    first.wait()
    assert lives(supervisor)
    second = room.keep(command, "--adopt", str(supervisor))
    eventually(lambda: room.keeper_pid() == str(second.pid))
    os.kill(supervisor, signal.SIGKILL)
    room.latest(2)
    assert room.lives()[1][1] == str(second.pid)
    assert second.poll() is None


def test_an_adopted_supervisor_that_ends_well_ends_its_keeper(room: Room) -> None:
    command = room.plan()
    supervisor = room.start(command)
    room.latest(1)
    keeper = room.keep(command, "--adopt", str(supervisor.pid))
    eventually(lambda: room.keeper_pid() == str(keeper.pid))
    keeper.terminate()
    assert keeper.wait(timeout=20) == 0
    assert supervisor.wait(timeout=20) == 0
    assert len(room.lives()) == 1


def test_one_to_adopt_that_has_crashed_meanwhile_starts_again(room: Room) -> None:
    command = room.plan()
    supervisor = room.start(command)
    room.latest(1)
    supervisor.kill()
    supervisor.wait()
    room.keep(command, "--adopt", str(supervisor.pid))
    room.latest(2)


def test_how_an_adopted_supervisor_ended_is_not_made_up(room: Room) -> None:
    command = room.plan()
    supervisor = room.start(command)
    room.latest(1)
    keeper = room.keep(command, "--adopt", str(supervisor.pid))
    eventually(lambda: room.keeper_pid() == str(keeper.pid))
    supervisor.kill()
    supervisor.wait()
    assert keeper.stderr is not None
    assert f"The supervisor (pid {supervisor.pid}) ended out of order; it starts again" in keeper.stderr.readline()
    room.latest(2)


def test_a_missing_program_is_said_and_tried_again(room: Room) -> None:
    keeper = room.keep([str(room.state / "missing")])
    assert keeper.stderr is not None
    assert "missing cannot be started: No such file or directory." in keeper.stderr.readline()
    started = time.monotonic()
    keeper.terminate()
    keeper.communicate(timeout=20)
    assert time.monotonic() - started < 5


def test_it_imports_nothing_of_ours() -> None:
    text = "import sys, supervisor.keeper; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert not {"ipc", "config", "engines", "anyio", "msgspec", "subprocess"} & set(done.stdout.split())
