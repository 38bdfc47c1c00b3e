"""Where torch runs out of memory, in the words that the supervisor understands; all else of torch ends the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engines.contract import OutOfMemory
from ipc.errors import Problem

_HOST = ("can't allocate memory", "not enough memory", "Cannot allocate memory")
"""What torch's allocator for the CPU says, in an error of no type of its own."""


@contextmanager
def memory_told() -> Iterator[None]:
    """Raises OutOfMemory where torch had not enough."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _told(error) from error
    except RuntimeError as error:
        if any(words in str(error) for words in _HOST):
            raise _told(error) from error
        raise


def _told(error: BaseException) -> OutOfMemory:
    detail = str(error).strip().splitlines()[0] if str(error).strip() else "The host's memory did not suffice"
    return OutOfMemory(
        Problem("Out of memory", f"{detail.rstrip('.')}.", "Use smaller settings, or unload another engine.")
    )
