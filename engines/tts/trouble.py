"""Where torch runs out of memory, in the words that the supervisor understands; all else of torch ends the process."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engines.contract import OutOfMemory
from ipc.errors import Problem

_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "Cannot allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What torch's allocator for the CPU says, and a GPU's libraries of their own memory, in errors of no type for it."""


@contextmanager
def memory_told() -> Iterator[None]:
    """Raises OutOfMemory where torch had not enough."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if lacks_memory(error):
            raise _told(error) from error
        raise


def lacks_memory(error: BaseException) -> bool:
    """Whether it says that there was not enough."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


def let_go(error: BaseException) -> None:
    """What the calls that failed worked on is not kept by their traceback any more: half a model may be among it."""
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__cause__ or seen.__context__


def _told(error: BaseException) -> OutOfMemory:
    detail = str(error).strip().splitlines()[0] if str(error).strip() else "The host's memory did not suffice"
    return OutOfMemory(
        Problem("Out of memory", f"{detail.rstrip('.')}.", "Use smaller settings, or unload another engine.")
    )
