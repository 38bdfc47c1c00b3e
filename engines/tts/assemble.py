"""From the sounds of all units to one audiobook; the name that the output will have says in which form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from engines.settings import EngineSettings
from engines.tts.settings import TtsSettings
from ipc.work import ResultRow


def assemble(part: Path, rows: Iterator[ResultRow], settings: EngineSettings, step: Callable[[], None]) -> None:
    """Write the audiobook of all rows in order, with the job's pauses, loudness, bitrate and subtitles.

    Raises:
        CannotAssemble: the name tells no form, a unit's sound is damaged, somebody else's file is where the subtitles
            belong, or what was written is not as it should be. OSError, which the desk turns into a sentence.
    """
    from engines.tts.audio.book import make  # a desk that only plans needs none of the libraries of sound

    assert isinstance(settings, TtsSettings)
    make(part, rows, settings, step)
