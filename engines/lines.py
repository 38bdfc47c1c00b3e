"""The lines of a file from a cursor on, each with the places where it begins and ends."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

LINE_BYTES = 1024 * 1024
"""A longer line is not read into memory."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """Between two lines: `offset` is in bytes, `lines` how many lines lie before it."""

    offset: int
    lines: int

    @classmethod
    def at(cls, cursor: str) -> Place:
        """The place that a cursor names; an empty one is the file's beginning."""
        offset, _, lines = (cursor or "0:0").partition(":")
        return cls(int(offset), int(lines))

    def cursor(self) -> str:
        """Its name in messages and in the store."""
        return f"{self.offset}:{self.lines}"


class Line(NamedTuple):
    """One line; its `text` is None where it is over `LINE_BYTES`."""

    text: bytes | None
    begin: Place
    end: Place

    @property
    def number(self) -> int:
        """Counted from 1, as people do."""
        return self.end.lines


class Lines:
    """Reads one line after the other and knows where it is."""

    def __init__(self, file: BinaryIO, place: Place) -> None:
        self._file = file
        self.place = place
        file.seek(place.offset)

    def next(self) -> Line | None:
        """The next line, None at the end of the file. Raises OSError."""
        text = self._file.readline(LINE_BYTES + 1)
        if not text:
            return None
        begin, length, whole = self.place, len(text), text.endswith(b"\n") or len(text) <= LINE_BYTES
        if not whole:
            length += self._skip()
        self.place = Place(begin.offset + length, begin.lines + 1)
        if begin.offset == 0:
            text = text.removeprefix(_BYTE_ORDER_MARK)
        return Line(text if whole else None, begin, self.place)

    def back(self, place: Place) -> None:
        """Read on from there."""
        self.place = place
        self._file.seek(place.offset)

    def _skip(self) -> int:
        """The rest of a line; how many bytes it had."""
        length = 0
        while rest := self._file.readline(LINE_BYTES):
            length += len(rest)
            if rest.endswith(b"\n"):
                break
        return length
