"""supervisord and runit, each with the one service, set up as their manuals say and otherwise left as they come."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.room import ROOT
from bench.supervisors.system import Up, alive, kill, with_words

CHILD = "bench.supervisors.child"


class Peer:
    """What both share: the service's file of those that came up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._came = folder / "came"
        # Told to the child alone: to supervisord, a Python program, our packages would shadow its own `supervisor`.
        self.command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-P", "-m", CHILD, str(self._came)]

    def up(self) -> Up | None:
        """The last line of the file."""
        lines = self._came.read_text().splitlines() if self._came.exists() else []
        if not lines:
            return None
        pid, unix = lines[-1].split()
        return Up(int(pid), float(unix))

    def children(self) -> list[int]:
        """By their command line."""
        return with_words(CHILD, str(self._came))

    async def use(self) -> None:
        """Neither knows of more than that the process runs."""


class Supervisord(Peer):
    """In the foreground, as an init would run it; `autorestart` and nothing else differs from the defaults."""

    name = "supervisord"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._config = folder / "supervisord.conf"
        self._config.write_text(
            f"[supervisord]\nnodaemon=true\nlogfile={folder}/log\npidfile={folder}/pid\nchildlogdir={folder}\n"
            f"[program:service]\ncommand={' '.join(self.command)}\nautorestart=true\n"
        )
        self._process = self._start()

    def targets(self) -> Mapping[str, int | None]:
        """One process does it all."""
        return {"supervisord": self._process.pid if self._process.poll() is None else None}

    async def start_again(self, target: str) -> None:
        """The same command."""
        self._process = self._start()

    def end(self) -> None:
        """First the one who would start others."""
        self._process.kill()
        self._process.wait()
        for pid in self.children():
            kill(pid)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [shutil.which("supervisord") or "", "-c", str(self._config)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip


class Runit(Peer):
    """`runsvdir` over a folder with one service; each service has a `runsv` of its own, which is its supervisor."""

    name = "runit"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._services = folder / "services"
        service = self._services / "service"
        service.mkdir(parents=True)
        run = service / "run"
        run.write_text(f"#!/bin/sh\nexec {' '.join(self.command)}\n")
        run.chmod(0o755)
        self._process = self._start()

    def targets(self) -> Mapping[str, int | None]:
        """The one that looks after the service, and the one that looks after that."""
        runsv = [pid for pid in with_words("runsv", "service") if _in(pid, self._services)]
        whole = self._process.pid if self._process.poll() is None else None
        return {"runsv": runsv[0] if runsv else None, "runsvdir": whole}

    async def start_again(self, target: str) -> None:
        """The same command; a `runsv` is started by `runsvdir`."""
        if target == "runsvdir":
            self._process = self._start()

    def end(self) -> None:
        """From the top down."""
        self._process.kill()
        self._process.wait()
        while (runsv := self.targets()["runsv"]) is not None:
            kill(runsv)
        for pid in self.children():
            kill(pid)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [shutil.which("runsvdir") or "", "-P", str(self._services)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip


PEERS: dict[str, tuple[str, type[Supervisord] | type[Runit]]] = {
    "supervisord": ("supervisord", Supervisord),
    "runit": ("runsvdir", Runit),
}
"""By name: the program that must be on PATH."""


@contextmanager
def peer(name: str, folder: Path) -> Iterator[Supervisord | Runit]:
    """The peer at work in `folder`, which exists; nothing of it runs afterwards."""
    there = PEERS[name][1](folder)
    try:
        yield there
    finally:
        there.end()


def _in(pid: int, services: Path) -> bool:
    try:
        return alive(pid) and Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(services)
    except OSError:
        return False
