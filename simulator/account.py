"""What a process on a simulated box says it holds on each GPU: one small file named by its pid."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engines.gpu_memory import publish


class Account:
    """The account of one process, in the folder that the scenario names; it counts while that process lives."""

    def __init__(self, folder: Path, *, pid: int | None = None) -> None:
        self._folder, self._pid = folder, os.getpid() if pid is None else pid

    def hold(self, bytes_by_uuid: Mapping[str, int], *, graphics: bool = False, stays: bool = False) -> None:
        """Say what is held now, by UUID of a GPU or MIG device; `stays` makes it outlive the process: a leak."""
        publish(self._folder, self._pid, bytes_by_uuid, graphics=graphics, stays=stays)

    def close(self) -> None:
        """Hold nothing."""
        (self._folder / str(self._pid)).unlink(missing_ok=True)
