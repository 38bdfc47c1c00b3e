"""Which processes belong to a room, and signals that reach none but these.

A process is found by the instance id in its environment, keeper and supervisor by the files that name them; it is held
by a pidfd before it is looked at, so that the signal cannot meet another process that took over its pid.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anyio
import psutil

from bench.room import Room
from config.paths import keeper_path, lock_path
from supervisor.process.sweep import INSTANCE, new_instance

CHILDREN = ("engines.child", "engines.desk")


@dataclass(frozen=True)
class Found:
    """One process of the room."""

    pid: int
    name: str
    """The engine's or desk's; `supervisor` and `keeper` for these two; else its command."""
    child: bool
    """An engine or a desk itself, not a helper of one."""
    seconds: float
    """Since it was started."""


class Census:
    """Of one room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._mine = new_instance(room.state).partition(":")[0] + ":"

    def children(self) -> list[Found]:
        """All that supervisors of this room have spawned and that lives."""
        return [found for process in psutil.process_iter() if (found := self._child(process)) is not None]

    def twice(self) -> list[str]:
        """Engines and desks of which two processes lived at the same moment."""
        living = [found for found in self.children() if found.child]
        often = Counter(found.name for found in living)
        # The first look took a while, so both must still be there after it.
        still = Counter(found.name for found in living if often[found.name] > 1 and self._lives(found.pid))
        return sorted(name for name, count in still.items() if count > 1)

    def everyone(self) -> list[Found]:
        """Children, supervisor and keeper."""
        others = [
            Found(pid, name, False, 0.0)
            for name, pid in (("supervisor", self.supervisor()), ("keeper", self.keeper()))
            if pid is not None
        ]
        return [*self.children(), *others]

    def supervisor(self) -> int | None:
        """The pid of the one that holds the lock, None when none lives."""
        return self._told(lock_path(self._room.state).name, "supervisor.daemon")

    def keeper(self) -> int | None:
        """The pid of the one at work, None when none lives."""
        return self._told(keeper_path(self._room.state).name, "supervisor.keeper")

    def strike_child(self, pid: int, number: signal.Signals) -> bool:
        """Signal an engine or desk; False where it is gone."""
        return _strike(pid, number, lambda process: self._child(process) is not None)

    def strike_keeping(self, pid: int, number: signal.Signals) -> bool:
        """Signal the supervisor or the keeper; False where it is gone."""
        return _strike(pid, number, lambda process: str(self._room.state) in process.cmdline())

    def _told(self, file: str, module: str) -> int | None:
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int((self._room.state / file).read_text()))
            words = process.cmdline()
            if module in words and str(self._room.state) in words and process.status() != psutil.STATUS_ZOMBIE:
                return process.pid
        return None

    def _child(self, process: psutil.Process) -> Found | None:
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment.get(INSTANCE, "").startswith(self._mine) and process.status() != psutil.STATUS_ZOMBIE:
                words = process.cmdline()
                name = environment.get("ENGINEROOM_ENGINE") or " ".join(words[-3:])
                child = any(module in words for module in CHILDREN)
                return Found(process.pid, name, child, time.time() - process.create_time())
        return None

    def _lives(self, pid: int) -> bool:
        with contextlib.suppress(psutil.Error):
            return self._child(psutil.Process(pid)) is not None
        return False


def _strike(pid: int, number: signal.Signals, ours: Callable[[psutil.Process], bool]) -> bool:
    with held(pid) as descriptor, contextlib.suppress(psutil.Error, OSError):
        if descriptor is not None and ours(psutil.Process(pid)):
            signal.pidfd_send_signal(descriptor, number)
            return True
    return False


async def gone(pid: int, seconds: float) -> bool:
    """Wait until the process has ended; False when it has not in time."""
    with held(pid) as descriptor:
        if descriptor is None:
            return True
        with anyio.move_on_after(seconds):
            await anyio.wait_readable(descriptor)
            return True
    return False


@contextlib.contextmanager
def held(pid: int) -> Iterator[int | None]:
    """A pidfd of it, readable once it is gone; None where it is gone already."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
