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
from engines.stt.unit import RATE, Source, heard_of, unit_of
from ipc.hearing import Dropped, Heard, Segment
from ipc.work import ResultRow

NOT_DONE = "not transcribed"
"""Why nothing is written of a stretch whose unit failed."""

_decoder = msgspec.json.Decoder(Heard)


class Recording:
    """What the spool holds of one recording."""

    def __init__(self, spool: Spool, source: Source, begin: int) -> None:
        self.path = source.path
        self.stream = source.stream
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
        source: Source | None = None
        for row in rows:
            unit, heard = unit_of(row.payload), heard_of(row.result)
            if source is None or (source.path, source.stream) != (unit.source.path, unit.source.stream):
                source = unit.source
                self.recordings.append(Recording(self, source, self._file.tell()))
            tally = self.recordings[-1].tally
            begin, end = unit.whole.begin / RATE, unit.whole.end / RATE
            if begin > tally.seconds:
                heard = _with_gap(heard, tally.seconds, begin)
            tally.add(heard, end)
            self._file.write(msgspec.json.encode(heard) + b"\n")

    def read(self, begin: int, count: int) -> Iterator[Heard]:
        """So many stretches from there on. Raises OSError."""
        self._file.seek(begin)
        for _ in range(count):
            self._step()
            yield _decoder.decode(self._file.readline())


def _with_gap(heard: Heard, begin: float, end: float) -> Heard:
    return msgspec.structs.replace(heard, dropped=(Dropped(begin, end, NOT_DONE), *heard.dropped))
