"""A folder on a disk that is full when the test says so."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DISK_BYTES = 1024 * 1024


class SmallDisk:
    """For root a file system of its own that is filled; for others, who may mount nothing, a folder closed to them."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self._mounted = mounted
        self._filler = folder / "filler"

    def fill(self, free_bytes: int) -> None:
        """Leaves room for so many bytes, fewer than any test writes."""
        if not self._mounted:
            self.folder.chmod(0o500)
            return
        with self._filler.open("wb", buffering=0) as file:
            for size in (4096, 512):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue
            os.truncate(self._filler, file.tell() - free_bytes)

    def free(self) -> None:
        """Leaves room for everything."""
        if self._mounted:
            self._filler.unlink()
        else:
            self.folder.chmod(0o700)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """The folder is made, and gone afterwards."""
    mounted = os.getuid() == 0
    folder.mkdir()
    if mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], check=True)
    try:
        yield SmallDisk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        else:
            folder.chmod(0o700)
