"""A whole Engine Room for one measurement: real command line, keeper, supervisor and engines, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from config.paths import keeper_path, lock_path, socket_path

ROOT = Path(__file__).parents[1]
DOWN_SECONDS = 60.0


@dataclass(frozen=True)
class Room:
    """One running supervisor: its state folder, and a folder for inputs and outputs."""

    state: Path
    work: Path
    environment: Mapping[str, str]

    @property
    def socket(self) -> Path:
        """Where clients connect."""
        return socket_path(self.state)

    def command(self, *arguments: str) -> list[str]:
        """The command line that `engineroom ARGUMENTS` means."""
        return [sys.executable, str(ROOT / "engineroom.py"), *arguments]

    def run(self, *arguments: str) -> str:
        """What `engineroom ARGUMENTS` prints.

        Raises:
            SystemExit: it failed; with what it printed.
        """
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, env=self.environment, cwd=self.work, check=False
        )
        if done.returncode != 0:
            sys.exit(f"engineroom {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def open_room(config: str, variables: Mapping[str, str] | None = None, folder: Path | None = None) -> Iterator[Room]:
    """A room with this configuration, up for as long as the block lasts; nothing of it stays but a `folder` that the
    caller named. `variables` are added to its environment.

    Byte code is cached in the room's own folder, so that a measurement does not depend on what ran before it; whoever
    measures a start runs it once before.
    """
    place = Path(tempfile.mkdtemp(prefix="er-bench-")) if folder is None else folder
    state, work = place / "state", place / "work"
    work.mkdir()
    (place / "engineroom.toml").write_text(config)
    room = Room(state, work, {**_environment(place), **(variables or {})})
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        room.run("up")
        yield room
    finally:
        _end(room)
        signal.signal(signal.SIGTERM, before)
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def load_note() -> str:
    """How busy this machine was: no figure means anything without it."""
    one, five, fifteen = os.getloadavg()
    return f"{os.cpu_count()} cores, load {one:.2f} {five:.2f} {fifteen:.2f}"


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ENGINEROOM_", "PYTHON"))}
    return {
        **kept,
        "ENGINEROOM_STATE": str(folder / "state"),
        "ENGINEROOM_CONFIG": str(folder / "engineroom.toml"),
        "ENGINEROOM_DATA": str(folder / "data"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "PYTHONPATH": str(ROOT),
    }


def _leave(number: int, _: object) -> None:
    """A benchmark that is told to end takes its room along: what runs there is a daemon, and would go on."""
    sys.exit(128 + number)


def _end(room: Room) -> None:
    """Down, and where that does not help by force: the keeper first, so that nothing comes back."""
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            room.command("down"), capture_output=True, env=room.environment, check=False, timeout=DOWN_SECONDS
        )
    for path, module in ((keeper_path(room.state), "supervisor.keeper"), (lock_path(room.state), "supervisor.daemon")):
        with suppress(OSError, ValueError):
            pid = int(path.read_text())
            if module in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
