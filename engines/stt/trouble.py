"""Where CTranslate2 runs out of memory, in the words that the supervisor understands; else it ends the process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from engines.shortage import shortage_told

_WORDS: Final = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "failed to allocate memory",
    "Cannot allocate memory",
    "bad_alloc",
)
"""What it says, in errors of no type of their own."""


def memory_told() -> AbstractContextManager[None]:
    """Raises OutOfMemory where the library had not enough."""
    return shortage_told(lacks_memory)


def lacks_memory(error: BaseException) -> bool:
    """Whether it says that there was not enough."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _WORDS)
