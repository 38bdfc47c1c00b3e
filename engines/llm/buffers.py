"""What a context would take: the library's own word where it is installed, else the formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from engines.llm.estimate import Buffers, formula
from engines.llm.header import Header
from engines.llm.settings import LlmSettings

NO_LIBRARY = (ImportError, OSError, RuntimeError)
"""What importing the library raises where it is not installed, or cannot be used on this machine."""
BuffersOf: TypeAlias = Callable[[LlmSettings], Buffers]


@contextmanager
def buffers_of(path: Path, header: Header) -> Iterator[BuffersOf]:
    """A function that tells it for settings; its first call may take as long as reading the vocabulary."""
    try:
        from engines.llm.rehearsal import Rehearsal
    except NO_LIBRARY:
        yield lambda settings: formula(header, settings)
        return
    rehearsal = Rehearsal(path, header)
    try:
        yield lambda settings: rehearsal.buffers(settings) or formula(header, settings)
    finally:
        rehearsal.close()
