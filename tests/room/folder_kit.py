"""A folder that can be made read-only, or full."""

from __future__ import annotations

import errno
import os
import subprocess
from contextlib import suppress
from pathlib import Path


class Folder:
    """For root, whom modes do not stop, it is a file system of its own; for others "full" is read-only, too."""

    def __init__(self, path: Path, megabytes: int = 1) -> None:
        self.path = path
        path.mkdir(mode=0o700)
        self._mounted = os.getuid() == 0
        if self._mounted:
            options = f"size={megabytes}m,mode=0700"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)

    def writable(self, writable: bool) -> None:
        """Whether anything may be written there."""
        if self._mounted:
            subprocess.run(["mount", "-o", f"remount,{'rw' if writable else 'ro'}", str(self.path)], check=True)
        else:
            self.path.chmod(0o700 if writable else 0o500)

    def full(self, full: bool) -> str:
        """Whether there is no byte left for a new file; returns what the system then says of it."""
        if not self._mounted:
            self.writable(not full)
            return os.strerror(errno.EACCES)
        ballast = self.path / "ballast"
        if not full:
            ballast.unlink()
        else:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        return os.strerror(errno.ENOSPC)

    def close(self) -> None:
        """Its contents are gone."""
        if self._mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=True)
        else:
            self.path.chmod(0o700)
