"""What a process supervisor is to this benchmark, and how its processes are found and killed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import psutil


@dataclass(frozen=True)
class Up:
    """A child that is up: since when, on the wall clock."""

    pid: int
    unix: float


class System(Protocol):
    """One supervisor with one service."""

    @property
    def name(self) -> str:
        """As the tables call it."""

    def up(self) -> Up | None:
        """The newest child that has come up, dead or alive."""

    def children(self) -> list[int]:
        """Every living process of the service."""

    def targets(self) -> Mapping[str, int | None]:
        """The supervising processes by name, with the pid of the one that is up; None while none is."""

    async def use(self) -> None:
        """Let the service do something, where this supervisor can know of that: it is well, then."""

    async def start_again(self, target: str) -> None:
        """What a person would do when nobody starts that process again."""


def alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def supervised(system: System, pid: int) -> bool:
    """Whether its parent is one of the system's own, rather than the reaper of orphans."""
    with contextlib.suppress(psutil.Error):
        return alive(pid) and psutil.Process(pid).ppid() in system.targets().values()
    return False


def with_words(*words: str) -> list[int]:
    """Living processes on whose command line all of these stand."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if all(word in line for word in words) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def kill(pid: int) -> None:
    """SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
