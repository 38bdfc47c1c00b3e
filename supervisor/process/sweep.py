"""What outlived its supervisor or its engine: found by the ids in every descendant's environment, and killed.

An instance id is `<state folder's id>:<generation>`; each supervisor is a new generation of its state folder. The
functions block: for tens of milliseconds on a box with many processes, longer while something takes long to die.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psutil

INSTANCE = "ENGINEROOM_INSTANCE"
SPAWN = "ENGINEROOM_SPAWN"
GONE_WITHIN_SECONDS = 10.0
"""A process that the kernel cannot end any sooner is left to it."""


@dataclass(frozen=True, slots=True)
class Swept:
    """A process that was killed."""

    pid: int
    name: str
    command: str


def new_instance(state_folder: Path) -> str:
    """The id of a new generation on this state folder, which exists."""
    status = state_folder.stat()
    place = f"{state_folder.resolve()} {status.st_dev} {status.st_ino}"
    return f"{sha256(place.encode(errors='surrogateescape')).hexdigest()[:16]}:{uuid.uuid4().hex}"


def sweep(instance: str) -> tuple[Swept, ...]:
    """SIGKILL every process of another generation of the same state folder, and wait until they are gone.

    Never this process or one that it descends from, its own generation, or a process of another user.
    """
    folder, _, _ = instance.partition(":")
    return _kill_all(lambda ids: ids.get(INSTANCE, "").startswith(f"{folder}:") and ids[INSTANCE] != instance)


def sweep_spawn(spawn_id: str) -> tuple[Swept, ...]:
    """SIGKILL what is left of one child after its end: grandchildren in sessions of their own."""
    return _kill_all(lambda ids: ids.get(SPAWN) == spawn_id)


def _kill_all(is_doomed: Callable[[dict[str, str]], bool]) -> tuple[Swept, ...]:
    """Looks again until nothing is found: what was killed may just have forked."""
    us = psutil.Process()
    spared = {us.pid, *(process.pid for process in us.parents())}
    swept: dict[int, Swept] = {}
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while (doomed := list(_found(is_doomed, spared))) and time.monotonic() < deadline:
        for process in doomed:
            with suppress(psutil.Error):
                swept.setdefault(process.pid, Swept(process.pid, process.name(), " ".join(process.cmdline())))
                process.kill()  # spares another process that has taken over the pid
        psutil.wait_procs(doomed, timeout=max(0.0, deadline - time.monotonic()))
    return tuple(swept.values())


def _found(is_doomed: Callable[[dict[str, str]], bool], spared: set[int]) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid not in spared and is_doomed(process.environ()):
                yield process
