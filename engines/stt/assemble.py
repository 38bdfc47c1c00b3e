"""From what was heard in each stretch to a text, subtitles or tables; the name that the output will have says which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from engines.settings import EngineSettings
from engines.stt.output.make import make
from engines.stt.settings import SttSettings
from ipc.work import ResultRow


def assemble(part: Path, rows: Iterator[ResultRow], settings: EngineSettings, step: Callable[[], None]) -> None:
    """Write what was heard in all rows in order, in the form that the output's name says and in further ones beside it.

    Raises:
        CannotAssemble: several recordings would have the subtitles of one, or a file of somebody else's is where a
            further form belongs. OSError, which the desk turns into a sentence.
    """
    assert isinstance(settings, SttSettings)
    make(part, rows, settings, step)
