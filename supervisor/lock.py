"""One supervisor per state folder: an flock, which even kill -9 releases."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from config.paths import lock_path
from ipc.errors import Problem, RequestFailed


class Lock:
    """Held from `take` until the process ends; the file's text is the holder's pid."""

    def __init__(self, state_folder: Path) -> None:
        self._path = lock_path(state_folder)
        self._descriptor = -1

    def take(self) -> None:
        """Take it, or say who has it.

        Raises:
            RequestFailed: another supervisor holds it, or the folder cannot be written.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.parent.chmod(0o700)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RequestFailed(
                Problem(
                    "State folder unusable",
                    f"{self._path.parent} cannot be used: {error.strerror}.",
                    "Set ENGINEROOM_STATE to a folder of yours that can be written.",
                )
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise RequestFailed(
                Problem(
                    "Already running",
                    f"The supervisor with pid {holder} has {self._path.parent}.",
                    "`engineroom` attaches to it, `engineroom down` ends it.",
                )
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
