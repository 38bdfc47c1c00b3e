"""Where a live transcript is written: on a terminal with the guess redrawn in place, as lines, or as JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Protocol

from cli import say
from cli.chat_words import harmless
from cli.wrapping import rows, width
from ipc.hearing import Listened, Live
from ipc.snapshot import Json

DIM, PLAIN = "\x1b[2m", "\x1b[0m"


class Page(Protocol):
    """What is heard, shown as it comes."""

    def show(self, live: Live) -> None:
        """Something changed."""

    def close(self) -> None:
        """Nothing more comes; what was committed stands."""


class JsonPage:
    """Each change as a line of JSON."""

    def show(self, live: Live) -> None:
        """Something changed."""
        say.record(as_json(live))

    def close(self) -> None:
        """Every line left at once."""


class LinesPage:
    """What was said between two silences is a line, once it is over."""

    def __init__(self) -> None:
        self._line = ""

    def show(self, live: Live) -> None:
        """Only an end of what was said is shown."""
        self._line += live.commit
        if live.ended:
            self.close()

    def close(self) -> None:
        """What was committed is a line, too."""
        line, self._line = self._line.strip(), ""
        if line:
            say.data(line)


class TerminalPage:
    """What was committed stands; behind it the guess, dimmed, is drawn again in its place each time."""

    def __init__(
        self,
        write: Callable[[str], None],
        size: Callable[[], tuple[int, int]],
        *,
        plain: bool,
    ) -> None:
        """`size` tells columns and lines, which may change at any time; `plain` draws nothing twice."""
        self._write = write
        self._size = size
        self._plain = plain
        self._line = ""
        """Committed, and not in a row that is final."""
        self._drawn: list[int] = []
        """The widths of the rows that are drawn again."""

    def show(self, live: Live) -> None:
        """Something changed."""
        commit = harmless(live.commit)
        if self._plain:
            self._write(commit if self._line else commit.lstrip())
            self._line += commit
        else:
            self._line = (self._line + commit).lstrip()
            self._draw(harmless(live.guess))
        if live.ended:
            self._end()

    def close(self) -> None:
        """The guess goes; the cursor is at the beginning of a line."""
        if not self._plain:
            self._draw("")  # over what the terminal wrote of the keys that ended it, too
        self._end()

    def _end(self) -> None:
        if self._line:
            self._write("\n")
        self._line, self._drawn = "", []

    def _draw(self, guess: str) -> None:
        columns, lines = self._size()
        text = self._line + (guess if self._line else guess.lstrip())
        found = rows(text, max(2, columns - 1))  # at the last column terminals differ in where the cursor is
        final = [row for row in found[:-1] if row.end <= len(self._line)]
        again = found[len(final) :][: max(1, lines - 1)]
        parts = [text[row.begin : row.end] + "\n" for row in final]
        for row in again:
            sure = max(row.begin, min(row.end, len(self._line)))
            doubtful = text[sure : row.end]
            parts.append(text[row.begin : sure] + (f"{DIM}{doubtful}{PLAIN}" if doubtful else ""))
            parts.append("\n")
        self._write(self._back(columns) + "".join(parts[:-1]))
        self._line = self._line[again[0].begin :]
        self._drawn = [width(text[row.begin : row.end]) for row in again]

    def _back(self, columns: int) -> str:
        """To where the rows begin that are drawn again, which a terminal that became narrower has broken."""
        up = sum(max(1, -(-one // columns)) for one in self._drawn) - 1
        return "\r" + (f"\x1b[{up}A" if up > 0 else "") + "\x1b[J"


def page_for(*, plain: bool, in_json: bool) -> Page:
    """For this stdout."""
    if in_json:
        return JsonPage()
    if not sys.stdout.isatty():
        return LinesPage()
    return TerminalPage(_write, _terminal_size, plain=plain)


def as_json(told: Live | Listened) -> dict[str, Json]:
    """All of its fields."""
    return {name: getattr(told, name) for name in told.__struct_fields__}


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _terminal_size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines
