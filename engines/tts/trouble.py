"""Where torch runs out of memory, in the words that the supervisor understands; all else of torch ends the process."""

from __future__ import annotations

import traceback
from contextlib import AbstractContextManager

import torch

from engines.shortage import shortage_told

_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "Cannot allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What torch's allocator for the CPU says, and a GPU's libraries of their own memory, in errors of no type for it."""


def memory_told() -> AbstractContextManager[None]:
    """Raises OutOfMemory where torch had not enough."""
    return shortage_told(lacks_memory)


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
