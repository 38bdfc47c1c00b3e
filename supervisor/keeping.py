"""Who starts this supervisor again after a crash; a keeper that was killed is replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class Keeping:
    """`told` is what ENGINEROOM_KEEPER says: a keeper's pid, `systemd`, or nothing when nobody keeps us."""

    def __init__(self, state_folder: Path, told: str, command: Sequence[str]) -> None:
        self._state_folder = state_folder
        self._told = told
        self._command = tuple(command)
        self._replacement: subprocess.Popen[bytes] | None = None

    def __str__(self) -> str:
        if self._replacement is not None:
            return f"keeper (pid {self._replacement.pid})"
        if self._told.isdigit():
            return f"keeper (pid {self._told})"
        return self._told or "nobody"

    @property
    def anybody(self) -> bool:
        """Whether another supervisor is started after this one ends."""
        return bool(self._told) or self._replacement is not None

    def look(self) -> str:
        """Replace a keeper that is gone; says so in a sentence, empty when all is well.

        Raises:
            OSError: no process could be made.
        """
        if not self._gone():
            return ""
        self._replacement = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "supervisor.keeper", "--state", str(self._state_folder)),
                *("--adopt", str(os.getpid()), "--", *self._command),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return f"the keeper was gone; another one (pid {self._replacement.pid}) has taken over"

    def _gone(self) -> bool:
        if self._replacement is not None:
            return self._replacement.poll() is not None
        # A keeper starts us itself, so a parent of another pid means that it ended.
        return self._told.isdigit() and os.getppid() != int(self._told)
