"""A whole Engine Room in a folder of its own: the real command line, supervisor, keeper, engines and desks."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import psutil

from cli.exits import Exit
from cli.parser import parse
from cli.session import session
from config.durable import replace_whole
from ipc.client import Client
from supervisor.process.sweep import new_instance

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


def wait_for(probe: Callable[[], T | None], what: str, seconds: float = 30.0) -> T:
    """The first true value of `probe`; fails naming `what` when there is none in time.

    It looks less often the longer it takes: each look is work for those who are waited for.
    """
    began = time.monotonic()
    while True:
        if value := probe():
            return value
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(min(0.1, max(0.01, waited / 40)))


@dataclass
class Room:
    """One state folder and what runs on it."""

    state: Path
    work: Path
    config: str = ""
    environ: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """What every command of this room is run with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ENGINEROOM_")}
        if self.config:
            file = self.work / "engineroom.toml"
            if not file.exists() or file.read_text() != self.config:  # a supervisor may be reading it
                replace_whole(file, self.config.encode())
            kept["ENGINEROOM_CONFIG"] = str(file)
        return {**kept, "ENGINEROOM_STATE": str(self.state), **self.environ}

    def command(self, *arguments: str) -> list[str]:
        """The command line that `engineroom ARGUMENTS` means."""
        return [sys.executable, str(ROOT / "engineroom.py"), *arguments]

    def run(self, *arguments: str, code: int | None = 0, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and check its exit code; None allows any."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True, text=True, env=self.environment(), cwd=self.work, timeout=seconds, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if code is not None and done.returncode != code:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments: str) -> Any:
        """What a listing verb prints with `--json`."""
        return json.loads(self._said(*arguments, "--json"))

    def _said(self, *arguments: str) -> str:
        """What a verb prints: run in a thread of this process, because tests look often, and some have a loop."""
        told, verb = parse(arguments)
        assert verb is not None
        with redirect_stdout(StringIO()) as said, ThreadPoolExecutor(1) as thread:
            where = session(self.environment(), self.work, _no_dashboard)
            code = thread.submit(verb.run, where, told).result()
        assert code == Exit.OK, (arguments, code)
        return said.getvalue()

    # ── what is there ─────────────────────────────────────────────────────────────────────────────────────

    def supervisor_pid(self) -> int:
        """The pid of the supervisor that answers."""
        return int(self.json("status")["supervisor"]["pid"])

    def engine(self, name: str) -> dict[str, Any]:
        """One row of `ps`."""
        return next(row for row in _rows(self.json("ps"), "engines") if row["name"] == name)

    def job(self, id: str) -> dict[str, Any]:  # noqa: A002 (the word of the interface)
        """One row of `jobs`."""
        return next(row for row in _rows(self.json("jobs"), "jobs") if row["id"] == id)

    def await_engine(self, name: str, state: str, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until the engine is in that state."""

        def probe() -> dict[str, Any] | None:
            row = self.engine(name)
            return row if row["state"] == state else None

        return wait_for(probe, f"{name} {state}", seconds)

    def happenings(self) -> list[dict[str, Any]]:
        """Everything that happened since this supervisor's start."""
        return [json.loads(line) for line in self._said("events", "--json").splitlines()]

    def processes(self) -> dict[str, psutil.Process]:
        """Every process that a supervisor of this room spawned, by engine name (grandchildren: name + pid)."""
        mine = new_instance(self.state).partition(":")[0] + ":"
        found: dict[str, psutil.Process] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                environ = process.environ()
                if environ.get("ENGINEROOM_INSTANCE", "").startswith(mine) and process.status() != "zombie":
                    name = environ.get("ENGINEROOM_ENGINE", "?")
                    found[name if name not in found else f"{name} {process.pid}"] = process
        return found

    def keeper_pid(self) -> int:
        """The pid of the keeper."""
        return int(wait_for((self.state / "keeper.pid").read_text, "a keeper writes its pid"))

    def submit(self, *arguments: str) -> str:
        """Submit a job and return its id."""
        return str(json.loads(self.run("submit", *arguments, "--json").stdout)["id"])


async def _no_dashboard(connect: Callable[[], AbstractAsyncContextManager[Client]], *, readonly: bool = False) -> None:
    raise AssertionError("no verb that lists shows the dashboard")


def _rows(document: Any, key: str) -> list[dict[str, Any]]:
    rows = document if isinstance(document, list) else document[key]
    assert isinstance(rows, list)
    return rows


@contextlib.contextmanager
def open_room(config: str = "") -> Iterator[Room]:
    """A room whose folders are short enough for a socket; whatever it started is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="er-"))
    (folder / "work").mkdir()
    room = Room(folder / "state", folder / "work", config)
    try:
        yield room
    finally:
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            room.run("down", code=None, seconds=40)
        _end_all(room)
        shutil.rmtree(folder, ignore_errors=True)


def _end_all(room: Room) -> None:
    """The last resort after a failed test: keeper first, so that nothing comes back."""
    if not room.state.exists():
        return
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if str(room.state) in (process.info["cmdline"] or ()) and process.pid != os.getpid():
                process.send_signal(signal.SIGKILL)
    for process in room.processes().values():
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


def kill(pid: int, signum: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal, as a person would from another terminal."""
    os.kill(pid, signum)


def gone(pid: int) -> bool:
    """Whether a process is no more (a zombie is no more, too)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True
