"""What a process on a simulated box says it holds on each GPU: one small file named by its pid."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


class Account:
    """The account of one process, in the folder that the scenario names; it counts while that process lives."""

    def __init__(self, folder: Path, *, pid: int | None = None) -> None:
        self._file = folder / str(os.getpid() if pid is None else pid)

    def hold(self, bytes_by_uuid: Mapping[str, int], *, graphics: bool = False, stays: bool = False) -> None:
        """Say what is held now, by UUID of a GPU or MIG device; `stays` makes it outlive the process: a leak."""
        kind = " graphics" if graphics else ""
        lines = [f"{uuid} {held}{kind}" for uuid, held in bytes_by_uuid.items()]
        part = self._file.with_name(f".{self._file.name}")
        part.write_text("".join(f"{line}\n" for line in [*lines, *(["stays"] if stays else [])]))
        part.replace(self._file)

    def close(self) -> None:
        """Hold nothing."""
        self._file.unlink(missing_ok=True)
