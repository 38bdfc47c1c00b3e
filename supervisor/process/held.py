"""A process of ours that cannot be mistaken for another, and whose end is noticed at once."""

from __future__ import annotations

import os
import signal as signals
import subprocess
from contextlib import suppress

import anyio
import psutil

LOOK_SECONDS = 0.02
"""How often to look whether it has ended where the kernel has no pidfd."""


class Held:
    """Keeps the pid its own by reaping the process only when told: until then it also stands for its group."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._descriptor = _pidfd(process.pid)

    async def ended(self) -> None:
        """Wait for the end of the process (0.3 ms with a pidfd); it is not reaped by that."""
        if self._descriptor is not None:
            await anyio.wait_readable(self._descriptor)
            return
        with suppress(psutil.NoSuchProcess):
            seen = psutil.Process(self._process.pid)
            while seen.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 (nothing tells)
                await anyio.sleep(LOOK_SECONDS)

    def signal(self, number: signals.Signals) -> None:
        """Signal the process, if it has not been reaped."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def signal_group(self, number: signals.Signals) -> None:
        """Signal the group that the process leads, if it has not been reaped; also after its end, for what it left."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # the group may hold someone else's process
                os.killpg(self._process.pid, number)

    def reap(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it lives."""
        return self._process.poll()

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _pidfd(pid: int) -> int | None:
    """None with a kernel before 5.3, in a sandbox that forbids it, and elsewhere than on Linux."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
