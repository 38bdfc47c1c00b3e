"""The exit of a child of ours, noticed at once: by pidfd, or by a waiting thread where there is none."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import anyio
import anyio.to_thread


class Exits:
    """Waits for one process and reaps it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._descriptor: int | None = None
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # a kernel before 5.3, or a sandbox that forbids it
                self._descriptor = os.pidfd_open(process.pid)

    async def wait(self) -> None:
        """Until the process is gone."""
        if self._descriptor is None:
            await anyio.to_thread.run_sync(self._wait_unreaped, abandon_on_cancel=True)
        else:
            await anyio.wait_readable(self._descriptor)

    def status(self) -> int:
        """Reap it: its exit code, or minus the signal that ended it."""
        return self._process.wait()

    def close(self) -> None:
        """Reap it, dead or dying of SIGKILL, and close the descriptor."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait_unreaped(self) -> None:
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
