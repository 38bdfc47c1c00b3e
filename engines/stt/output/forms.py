"""What is heard in each of the forms that an output may have."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from engines.contract import CannotAssemble
from engines.stt.output import document, plain, subtitles, table
from engines.stt.output.cues import Cue, Layout, cues
from engines.stt.output.spool import Recording
from engines.stt.settings import SttSettings
from ipc.errors import Problem
from ipc.snapshot import Scalar

TIMED: Final = (".srt", ".vtt")
"""Their times begin with one recording, so they hold one."""
_DECIDING: Final = (
    *("language", "task", "beam_size", "temperatures", "prompt", "hotwords", "word_timestamps", "window_seconds"),
    *("vad", "vad_threshold", "silence_ms", "gate_db", "no_speech", "least_logprob", "most_compression", "phantoms"),
)
"""The settings that decide what is heard."""


class Forms:
    """Of some recordings, with some settings."""

    def __init__(self, recordings: Sequence[Recording], settings: SttSettings) -> None:
        self._recordings = recordings
        self._settings = settings
        self._several = len(recordings) > 1

    def check(self, form: str, output: str) -> None:
        """Raises CannotAssemble: the form holds one recording, and these are several."""
        if self._several and form in TIMED:
            detail = f"{output} would hold {len(self._recordings)} recordings, and the times of each begin at zero."
            hint = "Subtitles need one output for each recording: name a folder, such as -o out/."
            raise CannotAssemble(Problem("Subtitles of several recordings", detail, hint), retry=False)

    def pieces(self, form: str, vtt_head: str = subtitles.VTT) -> Iterator[str]:
        """The whole file, in pieces; `form` is the suffix."""
        match form:
            case ".srt":
                return subtitles.srt(self._cues())
            case ".vtt":
                return subtitles.vtt(self._cues(), vtt_head)
            case ".json":
                return document.document(self._recordings, self._deciding())
            case ".tsv":
                return self._table()
            case _:
                return self._text()

    def _cues(self) -> Iterator[Cue]:
        told = self._settings
        layout = Layout(told.line_characters, told.cue_lines, round(told.cue_seconds * 1000))
        for recording in self._recordings:
            yield from cues(recording.segments(), layout)

    def _deciding(self) -> dict[str, Scalar]:
        return {name: getattr(self._settings, name) for name in _DECIDING}

    def _table(self) -> Iterator[str]:
        yield table.head(sources=self._several)
        for recording in self._recordings:
            yield from table.rows(recording.segments(), recording.path if self._several else None)

    def _text(self) -> Iterator[str]:
        if not self._several:
            for recording in self._recordings:
                yield from plain.text(recording.segments())
            return
        names = Counter(os.path.basename(recording.path) for recording in self._recordings)
        for number, recording in enumerate(self._recordings):
            name = os.path.basename(recording.path)
            yield f"{chr(10) if number else ''}# {name if names[name] == 1 else recording.path}\n\n"
            yield from plain.text(recording.segments())
