"""Readings of the host and of one process tree, through psutil."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from ipc.snapshot import HostReading


def read_host(state_folder: Path, unix: float) -> HostReading:
    """The host at this moment; CPU percent is over the time since the last call, of all cores together."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    disk = psutil.disk_usage(str(state_folder))
    return HostReading(
        unix=unix,
        cpu_percent=psutil.cpu_percent(None),
        load_1m=os.getloadavg()[0],
        ram_used_bytes=memory.total - memory.available,
        ram_total_bytes=memory.total,
        swap_used_bytes=swap.used,
        swap_total_bytes=swap.total,
        disk_free_bytes=disk.free,
        disk_total_bytes=disk.total,
    )


class ProcessReading:
    """RSS and CPU of one process; None once it is gone."""

    def __init__(self, pid: int) -> None:
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self._process = None

    def rss_bytes(self) -> int | None:
        """Resident memory now."""
        try:
            return None if self._process is None else int(self._process.memory_info().rss)
        except psutil.Error:
            return None

    def cpu_percent(self) -> float | None:
        """CPU since the last call, 100 for one whole core; 0.0 on the first call."""
        try:
            return None if self._process is None else float(self._process.cpu_percent(None))
        except psutil.Error:
            return None
