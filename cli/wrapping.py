"""Text in the columns of a terminal, where some characters are as wide as two and some as none. Pure."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class Row(NamedTuple):
    """Characters `begin` to `end` of a text."""

    begin: int
    end: int


def width(text: str) -> int:
    """In columns."""
    return sum(map(_width, text))


def rows(text: str, columns: int) -> list[Row]:
    """The text in rows of at most so many columns, broken at spaces, which stand in no row; at least one row."""
    found: list[Row] = []
    begin, used, space = 0, 0, -1
    at = 0
    while at < len(text):
        if text[at] == " ":
            space = at
        used += _width(text[at])
        if used <= columns or at == begin:
            at += 1
            continue
        end = space if space > begin else at
        found.append(Row(begin, end))
        begin = end + (text[end] == " ")
        at, used, space = begin, 0, -1
    return [*found, Row(begin, len(text))]


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
