"""One sync of an environment at a time: an flock that the programs it starts hold, too."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path, waits: Callable[[str], None]) -> Iterator[int]:
    """Hold the lock for as long as the block lasts; `waits` is told the pid of who has it, if one has to wait.

    Yields the descriptor. A program that inherits it keeps others out even when this process is killed.
    Raises OSError where there can be no such file.
    """
    descriptor = _taken(file, waits)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_locked(file: Path) -> bool:
    """Whether somebody holds it now."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _taken(file: Path, waits: Callable[[str], None]) -> int:
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waits(os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(file, descriptor):
                pid = str(os.getpid()).encode()
                os.pwrite(descriptor, pid, 0)
                os.truncate(descriptor, len(pid))
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was removed meanwhile: its lock keeps nobody out


def _is_at(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False
