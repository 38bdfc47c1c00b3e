"""Bytes that a program printed, as lines fit for a screen: whatever they are, and however they are split."""

from __future__ import annotations

import codecs
import re

LONGEST = 4096
"""Characters kept of one line; a longer one is cut, and says so with an ellipsis."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?")
"""Terminal sequences: colours and cursors, window titles, the short ones."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class LineCutter:
    """Cuts lines out of chunks. Within a line a carriage return overwrites, as in a terminal: of a progress bar its
    last state is kept."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that `chunk` completes, in order."""
        *whole, rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        self._rest = _shortened(rest)
        return [_plain(line) for line in whole]

    def flush(self) -> list[str]:
        """The line that has begun, if any, as far as it is known; the next chunk begins another."""
        rest = self._rest + self._decoder.decode(b"", final=True)
        self._decoder.reset()
        self._rest = ""
        return [_plain(rest)] if rest else []


def _shortened(rest: str) -> str:
    """An incomplete line without what cannot show any more, so that an endless one takes no memory."""
    if "\r" in rest:
        end = "\r" if rest.endswith("\r") else ""
        rest = _shown(rest) + end
    return rest[: 2 * LONGEST]


def _shown(line: str) -> str:
    """The last part between carriage returns that has any text."""
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def _plain(line: str) -> str:
    if "\r" in line:
        line = _shown(line)
    if not line.isprintable():
        line = _CONTROL.sub("", _ESCAPE.sub("", line)).expandtabs()
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"
