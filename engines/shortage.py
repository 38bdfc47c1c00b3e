"""Where a library runs out of memory, in the words that the supervisor understands; all else ends the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engines.contract import OutOfMemory
from ipc.errors import Problem


@contextmanager
def shortage_told(is_shortage: Callable[[BaseException], bool]) -> Iterator[None]:
    """Raises OutOfMemory where the library raised what `is_shortage` says was one."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_shortage(error):
            raise _told(error) from error
        raise


def _told(error: BaseException) -> OutOfMemory:
    detail = str(error).strip().splitlines()[0] if str(error).strip() else "The host's memory did not suffice"
    return OutOfMemory(
        Problem("Out of memory", f"{detail.rstrip('.')}.", "Use smaller settings, or unload another engine.")
    )
