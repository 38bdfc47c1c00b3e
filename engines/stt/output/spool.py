"""All that was heard, on the disk in the order of the recordings, so that each form can read it as often as it needs.

An output may hold hours: in memory are only one stretch and a few numbers of each recording.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from engines.stt.output.tally import Tally
from engines.stt.unit import RATE, encode, heard_of, unit_of
from ipc.hearing import Dropped, Heard, Segment
from ipc.work import ResultRow

NOT_DONE = "not transcribed"
"""Why nothing is written of a stretch whose unit failed."""


class Recording:
    """What the spool holds of one recording."""

    def __init__(self, spool: Spool, path: str, begin: int) -> None:
        self.path = path
        self.tally = Tally()
        self._spool = spool
        self._begin = begin

    def segments(self) -> Iterator[Segment]:
        """In order; nothing else may be read meanwhile."""
        for heard in self._heard():
            yield from heard.segments

    def dropped(self) -> Iterator[Dropped]:
        """In order; nothing else may be read meanwhile."""
        for heard in self._heard():
            yield from heard.dropped

    def _heard(self) -> Iterator[Heard]:
        return self._spool.read(self._begin, self.tally.stretches)


class Spool:
    """A file without a name beside the output; it is gone with its last user, whatever happens. A context manager."""

    def __init__(self, folder: Path, step: Callable[[], None]) -> None:
        """`step` is called for each stretch that is read. Raises OSError."""
        self.recordings: list[Recording] = []
        self._step = step
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by `__exit__`)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def fill(self, rows: Iterable[ResultRow]) -> None:
        """Keep what all rows hold. Raises OSError."""
        end = 0.0  # of the recording, as its last row knows it
        for row in rows:
            unit, heard = unit_of(row.payload), heard_of(row.result)
            if not self.recordings or self.recordings[-1].path != unit.source.path:
                self._end(end)
                self.recordings.append(Recording(self, unit.source.path, self._file.tell()))
            begin = unit.whole.begin / RATE
            if begin > self.recordings[-1].tally.seconds:
                heard = _with_gap(heard, self.recordings[-1].tally.seconds, begin)
            self._add(heard, unit.whole.end / RATE)
            end = unit.end / RATE
        self._end(end)

    def _end(self, seconds: float) -> None:
        """The last recording has no further rows, though it may be longer."""
        if self.recordings and seconds > (last := self.recordings[-1].tally.seconds):
            self._add(_with_gap(Heard(), last, seconds), seconds)

    def _add(self, heard: Heard, end: float) -> None:
        self.recordings[-1].tally.add(heard, end)
        self._file.write(encode(heard).encode() + b"\n")

    def read(self, begin: int, count: int) -> Iterator[Heard]:
        """So many stretches from there on. Raises OSError."""
        self._file.seek(begin)
        for _ in range(count):
            self._step()
            yield heard_of(self._file.readline())


def _with_gap(heard: Heard, begin: float, end: float) -> Heard:
    return msgspec.structs.replace(heard, dropped=(Dropped(begin, end, NOT_DONE), *heard.dropped))
