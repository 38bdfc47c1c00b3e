"""Stdout is data, stderr is narration."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from itertools import zip_longest

from ipc.errors import Problem
from ipc.snapshot import Json


def data(text: str, *, end: str = "\n") -> None:
    """A line of the answer itself; leaves at once, so that a pipe sees it as it happens."""
    print(text, end=end, flush=True)


def no_more_data() -> None:
    """Stdout takes nothing: Python flushes it once more at its exit, so give it something that does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def document(value: Json) -> None:
    """One JSON document for a reader and a program alike."""
    data(json.dumps(value, indent=2, ensure_ascii=False))


def record(value: Json) -> None:
    """One JSON document on one line, for what comes as a stream."""
    data(json.dumps(value, ensure_ascii=False))


def note(text: str) -> None:
    """What is going on."""
    print(text, file=sys.stderr, flush=True)


def problem(what: Problem) -> None:
    """An error: what and where, then the way out on its own line."""
    note(f"engineroom: {what.title}: {what.detail}")
    if what.hint:
        note(f"  {what.hint}")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
    """Print a table."""
    for line in aligned((heads, *rows), right=right):
        data(line)


class Columns:
    """Columns of a table that comes in parts: never narrower than in a part before; those in `right` to the right."""

    def __init__(self, right: frozenset[int] = frozenset()) -> None:
        self._right = right
        self._widths: list[int] = []

    def lines(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """The next part; nothing trails."""
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        self._widths = [max(pair) for pair in zip_longest(self._widths, wide, fillvalue=0)]
        return [
            "  ".join(
                cell.rjust(width) if place in self._right else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, self._widths, strict=True))
            ).rstrip()
            for row in rows
        ]


def aligned(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """A whole table: columns as wide as their widest cell, those in `right` to the right."""
    return Columns(right).lines(rows)
