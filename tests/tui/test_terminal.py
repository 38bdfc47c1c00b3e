"""A real process on a real pseudo-terminal: it draws, takes keys, follows its size, and leaves the terminal clean."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import anyio
import anyio.to_thread
import booked
import pexpect
import pyte
import pytest
import worked
from msgspec.structs import replace
from scripted import Box, serving

from ipc import control

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, anyio
from pathlib import Path
from ipc.client import connect_unix
from tui.run import run_dashboard
anyio.run(lambda: run_dashboard(lambda: connect_unix(Path(sys.argv[1]))))
"""


class Terminal:
    """A pseudo-terminal with a program in it, and the screen a person would see."""

    def __init__(self, socket: Path, columns: int, rows: int) -> None:
        environment = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        arguments = ["-W", "error", "-c", PROGRAM, str(socket)]
        self.child = pexpect.spawn(sys.executable, arguments, env=environment, dimensions=(rows, columns), timeout=20)
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Read what the program draws until `holds`."""
        with anyio.fail_after(50):
            while not holds():
                await anyio.to_thread.run_sync(self._read)

    async def settled(self) -> str:
        """Read until the program draws nothing more; what is on the screen then."""
        with anyio.fail_after(50):
            while await anyio.to_thread.run_sync(self._read, 0.5):
                pass
        return self.text

    async def ended(self) -> int | None:
        """Read to the end; the exit status."""
        await self.until(lambda: not self.child.isalive())
        self.child.close()
        status: int | None = self.child.exitstatus
        return status

    def resize(self, columns: int, rows: int) -> None:
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def _read(self, seconds: float = 0.05) -> bool:
        """Whether something came within so many seconds."""
        try:
            read: bytes | str = self.child.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        assert isinstance(read, bytes)
        self._stream.feed(read)
        return True


@pytest.fixture
async def box(tmp_path: Path) -> AsyncGenerator[Box]:
    served = Box()
    async with serving(served, tmp_path / "socket"):
        yield served


@pytest.fixture
async def terminal(box: Box, tmp_path: Path) -> AsyncGenerator[Terminal]:
    shown = Terminal(tmp_path / "socket", 80, 24)
    try:
        yield shown
    finally:
        shown.child.close(force=True)


async def test_it_draws_takes_keys_and_detaches(box: Box, terminal: Terminal) -> None:
    await terminal.until(lambda: "q detach" in terminal.text)
    assert "▸● writer" in terminal.text
    terminal.child.send("j")
    await terminal.until(lambda: "▸● scratch" in terminal.text)
    terminal.child.send("r")
    await box.until_asked(lambda command: command == control.Restart("scratch"))
    terminal.child.send("\x03")
    await terminal.until(lambda: "everything goes on" in terminal.text)
    terminal.child.send("q")
    assert await terminal.ended() == 0
    assert not any(isinstance(command, control.Down | control.Stop) for command in box.asked)


async def test_the_keys_for_jobs_and_what_is_pasted_come_through_a_terminal(box: Box, terminal: Terminal) -> None:
    box.snapshot, box.detail, box.units = worked.worked(), worked.DETAIL, 1300
    await terminal.until(lambda: "q detach" in terminal.text)
    terminal.child.send("\tjjj")
    await terminal.until(lambda: "▸▶ gpubox-3-41" in terminal.text)
    terminal.child.send("-")
    await box.until_asked(lambda command: command == control.PrioritizeJob("gpubox-3-41", 4))
    await terminal.until(lambda: "▸▶ gpubox-3-41 running p4" in terminal.text)
    terminal.child.send("\r")
    await terminal.until(lambda: "results kept" in terminal.text)
    terminal.child.send("#")
    await terminal.until(lambda: "number of a unit" in terminal.text)
    terminal.child.send("12\r")
    await terminal.until(lambda: "▸✓ #12" in terminal.text)
    terminal.child.send("q")
    await terminal.until(lambda: "q detach" in terminal.text)
    terminal.child.send("n")
    await terminal.until(lambda: "new job" in terminal.text)
    terminal.child.send("\x1b[200~/data/a b.jsonl\n/data/c.jsonl\x1b[201~")
    await terminal.until(lambda: "'/data/a b.jsonl' /data/c.jsonl" in terminal.text)


async def test_it_follows_the_size_of_its_terminal(terminal: Terminal) -> None:
    await terminal.until(lambda: "q detach" in terminal.text)
    assert "restarts" not in terminal.text
    terminal.resize(130, 40)
    await terminal.until(lambda: "restarts" in terminal.text)
    terminal.resize(40, 10)
    await terminal.until(lambda: "q detach" in terminal.text and "writer" in terminal.text)


@pytest.mark.parametrize("keys", ["", "d"], ids=["overview", "GPUs"])
async def test_what_changes_is_painted_over_what_stays(box: Box, terminal: Terminal, keys: str) -> None:
    box.snapshot = booked.booked()
    terminal.resize(120, 34)
    await terminal.until(lambda: "q detach" in terminal.text)
    terminal.child.send(keys)
    await terminal.until(lambda: "esc back" in terminal.text or not keys)
    for degrees in (68, 104, 9):
        cards = (replace(booked.CARDS[0], temperature_celsius=float(degrees)), *booked.CARDS[1:])
        box.publish(booked.booked_tick(degrees, cards))
        await terminal.until(lambda: f" {degrees} °C" in terminal.text)  # noqa: B023 (awaited within the turn)
    seen = await terminal.settled()
    terminal.resize(119, 34)
    await terminal.until(lambda: terminal.text != seen)
    terminal.resize(120, 34)
    await terminal.until(lambda: terminal.text == seen)


async def test_a_terminal_that_closes_stops_nothing(box: Box, terminal: Terminal) -> None:
    await terminal.until(lambda: "q detach" in terminal.text)
    terminal.child.kill(signal.SIGHUP)
    await terminal.ended()
    assert box.asked == [control.Watch()]


async def test_without_a_supervisor_nothing_is_drawn(tmp_path: Path) -> None:
    shown = Terminal(tmp_path / "nobody", 200, 24)
    assert await shown.ended() == 1
    assert "Nothing listens" in shown.text
    assert "Engine Room" not in shown.text
