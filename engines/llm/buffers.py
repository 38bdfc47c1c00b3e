"""What a context would take: the library's own word where it is installed, else the formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from engines.llm.estimate import Buffers, formula
from engines.llm.header import Header
from engines.llm.lora import lora_files
from engines.llm.settings import LlmSettings

NO_LIBRARY = (ImportError, OSError, RuntimeError)
"""What importing the library raises where it is not installed, or cannot be used on this machine."""
BuffersOf: TypeAlias = Callable[[LlmSettings], Buffers]


@contextmanager
def buffers_of(path: Path, header: Header) -> Iterator[BuffersOf]:
    """A function that tells it for settings; its first call may take as long as reading the vocabulary.

    It raises CannotLoad where `lora` cannot be used.
    """
    try:
        from engines.llm.rehearsal import Rehearsal
    except NO_LIBRARY:
        yield lambda settings: _with_adapters(formula(header, settings), settings)
        return
    rehearsal = Rehearsal(path, header)
    try:
        yield lambda settings: _with_adapters(rehearsal.buffers(settings) or formula(header, settings), settings)
    finally:
        rehearsal.close()


def _with_adapters(buffers: Buffers, settings: LlmSettings) -> Buffers:
    return replace(buffers, adapters=sum(file.bytes for file in lora_files(settings)))
