"""A small file replaced whole."""

from __future__ import annotations

import os
from pathlib import Path


def replace_whole(path: Path, content: bytes) -> None:
    """A new file, synced and renamed over the old one: a crash leaves one of them whole. Blocks until it is on disk.

    Raises:
        OSError: it cannot be written; the old one is as it was, unless only the last sync failed.
    """
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # else a power failure could take the rename back
    finally:
        os.close(folder)
