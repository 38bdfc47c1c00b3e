"""What a sync is doing: one line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import time
from typing import Final, TextIO

from cli import words

_SHARE: Final = 10
"""Elsewhere than on a terminal every tenth of a count is told."""


class Progress:
    """Call `end` before anything else is printed there."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._stage = ""
        self._began = time.monotonic()
        self._told = -1
        self._drawn = False

    def stage(self, text: str) -> None:
        """Something else begins."""
        self._stage, self._began, self._told = text, time.monotonic(), -1
        self._say(text)

    def step(self, done: int, of: int, what: str = "") -> None:
        """So much of the stage is done; `what` is being done now."""
        text = " ".join(filter(None, (f"{self._stage} [{done:>{len(str(of))}}/{of}]", what)))
        if self._live:
            self._say(f"{text} · {words.span(round(time.monotonic() - self._began))}")
        elif done * _SHARE // max(of, 1) > self._told:
            self._told = done * _SHARE // max(of, 1)
            self._say(text)

    def end(self) -> None:
        """Nothing is being done any more."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False

    def _say(self, text: str) -> None:
        if self._live:
            columns = shutil.get_terminal_size().columns
            self._stream.write(f"\r\x1b[K{words.clipped(text, columns - 1)}")
            self._drawn = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()
