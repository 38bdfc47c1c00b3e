"""Disks that are really full: a small tmpfs, which only root may mount, or anybody in a user namespace of its own."""

from __future__ import annotations

import errno
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from room_kit import ROOT

P = ParamSpec("P")


class SmallDisk:
    """A tmpfs at `path`, gone with `close`."""

    def __init__(self, path: Path, megabytes: int) -> None:
        self.path = path
        path.mkdir(exist_ok=True)
        options = f"size={megabytes}m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
        self._filler = path / "filler"

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Take all room but so much."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (2**16, 2**12):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            if leave_bytes:
                file.truncate(max(0, os.fstat(file.fileno()).st_size - leave_bytes))

    def make_room(self) -> None:
        """Give it all back."""
        self._filler.unlink()

    def close(self) -> None:
        """Unmount it, whoever still uses it."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)


def mounting(test: Callable[P, None]) -> Callable[P, None]:
    """A test that mounts: for anybody but root it runs again in a user namespace, where it is root."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        if os.getuid() == 0:
            test(*args, **kwargs)
        else:
            this = os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0]
            subprocess.run(["unshare", "-Urm", sys.executable, "-m", "pytest", "-q", this], cwd=ROOT, check=True)

    return run
