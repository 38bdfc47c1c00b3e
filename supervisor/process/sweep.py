"""What an earlier supervisor left behind: found by the instance id in every descendant's environment, and killed.

An instance id is `<state folder's id>:<generation>`; each supervisor is a new generation of its state folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

VARIABLE = "ENGINEROOM_INSTANCE"
GONE_WITHIN_SECONDS = 10.0


@dataclass(frozen=True)
class Swept:
    """A process that was killed."""

    pid: int
    name: str


def new_instance(state_folder: Path) -> str:
    """The id of a new generation on this state folder, which exists."""
    status = state_folder.stat()
    return f"{status.st_dev:x}-{status.st_ino:x}:{uuid.uuid4().hex}"


def sweep(instance: str) -> tuple[Swept, ...]:
    """SIGKILL every process of another generation of the same state folder, and wait until they are gone.

    Never this process, its own generation, or a process whose environment cannot be read.
    """
    folder, _, generation = instance.partition(":")

    def ours(value: str) -> bool:
        other_folder, _, other_generation = value.partition(":")
        return other_folder == folder and other_generation != generation

    return _kill(process for process in psutil.process_iter() if ours(_variable(process, VARIABLE)))


def sweep_spawn(spawn_id: str) -> tuple[Swept, ...]:
    """SIGKILL what one child's process left behind: grandchildren in sessions of their own."""
    return _kill(process for process in psutil.process_iter() if _variable(process, "ENGINEROOM_SPAWN") == spawn_id)


def _variable(process: psutil.Process, name: str) -> str:
    try:
        return process.environ().get(name, "")
    except (psutil.Error, OSError):
        return ""


def _kill(found: Iterator[psutil.Process]) -> tuple[Swept, ...]:
    doomed = [process for process in found if process.pid != os.getpid()]
    swept = []
    for process in doomed:
        with contextlib.suppress(psutil.Error):
            swept.append(Swept(process.pid, process.name()))
            process.send_signal(signal.SIGKILL)  # psutil checks that the pid was not reused
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    psutil.wait_procs(doomed, timeout=max(0.0, deadline - time.monotonic()))
    return tuple(swept)
