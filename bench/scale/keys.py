"""How soon the dashboard answers a key, while a job runs and very many units are queued.

The cursor is moved up and down among the queued jobs; what is waited for is the cursor's mark in what the terminal is
sent: rows that change by themselves are elsewhere and have no mark, so nothing but the key brings it.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from bench.room import Room, open_room
from bench.scale.asking import asking
from ipc import control

CONFIG = '[engine.fake]\nkind = "fake"\npreload = true\nseconds_per_unit = 0.02\n'
COLUMNS, ROWS = 120, 34
MARK = "▸".encode()
QUEUED_JOBS = 10
FRAME_SECONDS = 30.0
KEY_SECONDS = 5.0
PAUSE_SECONDS = (0.05, 0.25)
"""Between two keys, at random, so that they meet every moment of a second."""


def measure(queued_units: int, presses: int) -> list[float]:
    """Seconds from each key to the mark."""
    with open_room(CONFIG) as room:
        anyio.run(_submit, room, queued_units)
        with _dashboard(room) as terminal:
            _read_until(terminal, b"fake", FRAME_SECONDS)
            _settle(terminal)
            _press(terminal, b"\t")
            for _ in range(QUEUED_JOBS // 2):
                _press(terminal, b"j")
            dice, taken = random.Random(1), []
            for number in range(presses):
                deadline = time.monotonic() + dice.uniform(*PAUSE_SECONDS)
                while (left := deadline - time.monotonic()) > 0:
                    _drain(terminal, left)
                taken.append(_press(terminal, b"k" if number % 2 else b"j"))
            return taken


async def _submit(room: Room, units: int) -> None:
    """One job that runs, and others that hold so many units behind it."""
    each = units // QUEUED_JOBS
    source = room.work / "prompts.jsonl"
    with source.open("w") as file:
        file.writelines(f'{{"id": "u{number}", "prompt": "number {number}"}}\n' for number in range(each))
    async with asking(room) as there:
        for number in range(1 + QUEUED_JOBS):
            wish = control.Submit("fake", "", (str(source),), str(room.work / f"answers{number}.jsonl"), "")
            await there.ask(wish, control.JobIs)


def _press(terminal: int, key: bytes) -> float:
    began = time.perf_counter()
    os.write(terminal, key)
    return _read_until(terminal, MARK, KEY_SECONDS) - began


def _read_until(terminal: int, what: bytes, seconds: float) -> float:
    """The moment when it has come."""
    output, deadline = b"", time.perf_counter() + seconds
    while select.select([terminal], [], [], max(0.0, deadline - time.perf_counter()))[0]:
        output += os.read(terminal, 1 << 16)
        if what in output:
            return time.perf_counter()
    raise SystemExit(f"{what.decode()!r} did not come within {seconds:g} s; what came: {output[-2000:]!r}")


def _settle(terminal: int) -> None:
    """The first frames, which may come in several pieces."""
    deadline = time.monotonic() + 2.0
    while (left := deadline - time.monotonic()) > 0:
        _drain(terminal, left)


def _drain(terminal: int, seconds: float) -> None:
    if select.select([terminal], [], [], seconds)[0]:
        os.read(terminal, 1 << 16)


@contextmanager
def _dashboard(room: Room) -> Iterator[int]:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    process = subprocess.Popen(
        room.command(), stdin=theirs, stdout=theirs, stderr=theirs, cwd=room.work, start_new_session=True,
        env={**room.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )  # fmt: skip
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
