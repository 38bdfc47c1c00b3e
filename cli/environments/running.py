"""Processes that run in an environment now."""

from __future__ import annotations

from pathlib import Path

import psutil

from engines.environments.record import python_of


def pids_in(folder: Path) -> tuple[int, ...]:
    """Those that were started by its interpreter, as far as they can be seen."""
    python = str(python_of(folder))
    return tuple(
        process.pid for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [""])[0] == python
    )
