"""How soon something is on the screen: the dashboard on a terminal of its own, two verbs, and Python itself as peers.

    python -m bench.cold_start [--rounds N]

All of them are started in turn, N times, after one round that is not counted (files are read, byte code is written).
Wall time begins just before the fork. For the dashboard it ends when the name of an engine, which only the supervisor
knows, has come out of the pseudo-terminal (120x34): a frame with the truth on it. Its CPU time is the process's clock
at that moment, all threads. The others run to their end, and their CPU time is what the kernel says of them then.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import statistics
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from bench.room import Room, load_note, open_room

ENGINE = "lighthouse"
CONFIG = f'[engine.{ENGINE}]\nkind = "fake"\npreload = true\n'
COLUMNS, ROWS = 120, 34
FRAME_SECONDS = 30.0


@dataclass(frozen=True)
class Start:
    """One start; seconds."""

    wall: float
    cpu: float


def to_its_end(room: Room, command: list[str]) -> Start:
    """Run it until it ends."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=room.environment, cwd=room.work)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Start(wall, usage.ru_utime + usage.ru_stime)


def to_first_frame(room: Room, command: list[str]) -> Start:
    """Run the dashboard until its first frame is out, then kill it: that stops nothing."""
    with _terminal() as (ours, theirs):
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=_on_a_terminal(room), cwd=room.work,
            start_new_session=True,
        )  # fmt: skip
        try:
            for output in _outputs(ours):
                now = Start(time.perf_counter() - began, _cpu_seconds(process.pid))
                if ENGINE.encode() in output:
                    return now
            sys.exit(f"no frame of the dashboard within {FRAME_SECONDS:g} s")
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def _outputs(terminal: int) -> Iterator[bytes]:
    """Everything that came so far, again whenever more has come."""
    output = b""
    deadline = time.monotonic() + FRAME_SECONDS
    while select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        output += os.read(terminal, 1 << 16)
        yield output


def _cpu_seconds(pid: int) -> float:
    """CPU time of another process so far; /proc counts it in steps of 10 ms only."""
    return time.clock_gettime(~pid << 3 | 2)  # the kernel's number for that process's clock: see clock_getcpuclockid(3)


def _on_a_terminal(room: Room) -> dict[str, str]:
    return {**room.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def measure(room: Room, rounds: int) -> dict[str, list[Start]]:
    """All in turn, so that a busy moment of this machine meets them all alike."""
    contestants: dict[str, Callable[[], Start]] = {
        "python -c pass": partial(to_its_end, room, [sys.executable, "-c", "pass"]),
        "import textual.app": partial(to_its_end, room, [sys.executable, "-c", "import textual.app"]),
        "engineroom status": partial(to_its_end, room, room.command("status")),
        "engineroom ps": partial(to_its_end, room, room.command("ps")),
        "dashboard, first frame": partial(to_first_frame, room, room.command()),
    }
    found: dict[str, list[Start]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, run in contestants.items():
            found[name].append(run())
    return {name: starts[1:] for name, starts in found.items()}


def main() -> None:
    """Start, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15)
    rounds: int = parser.parse_args().rounds
    print(load_note())
    print(f"{'what':24} {'wall min':>9} {'median ms':>10} {'CPU min':>9} {'median ms':>10}")
    with open_room(CONFIG) as room:
        for name, starts in measure(room, rounds).items():
            cells = [
                figure(values) * 1e3
                for values in ([start.wall for start in starts], [start.cpu for start in starts])
                for figure in (min, statistics.median)
            ]
            print(f"{name:24} {cells[0]:9.0f} {cells[1]:10.0f} {cells[2]:9.0f} {cells[3]:10.0f}")
    print(load_note())


if __name__ == "__main__":
    main()
