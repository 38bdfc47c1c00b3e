"""Where CTranslate2 runs out of memory, in the words that the supervisor understands; else it ends the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from engines.contract import OutOfMemory
from ipc.errors import Problem

_WORDS: Final = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "failed to allocate memory",
    "Cannot allocate memory",
    "bad_alloc",
)
"""What it says, in errors of no type of their own."""


@contextmanager
def memory_told() -> Iterator[None]:
    """Raises OutOfMemory where the library had not enough."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if lacks_memory(error):
            raise _told(error) from error
        raise


def lacks_memory(error: BaseException) -> bool:
    """Whether it says that there was not enough."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _WORDS)


def _told(error: BaseException) -> OutOfMemory:
    detail = str(error).strip().splitlines()[0] if str(error).strip() else "The host's memory did not suffice"
    return OutOfMemory(
        Problem("Out of memory", f"{detail.rstrip('.')}.", "Use smaller settings, or unload another engine.")
    )
