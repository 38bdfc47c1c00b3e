"""All units of a job to one audiobook, in two passes: the first learns where everything lies and how loud it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engines import partfile
from engines.beside import Marked, Vouched
from engines.tts.audio import subtitles
from engines.tts.audio.chapters import chapters_of, held, tags_of
from engines.tts.audio.encode import encoding
from engines.tts.audio.formats import format_of
from engines.tts.audio.join import joined
from engines.tts.audio.loudness import Meter, gain
from engines.tts.audio.sound import check_length, read
from engines.tts.audio.timeline import Place, follow, gaps, total
from engines.tts.audio.trim import Sound, spoken
from engines.tts.audio.verify import verify
from engines.tts.settings import TtsSettings
from engines.tts.unit import RATE, Unit, said_of, unit_of
from ipc.work import ResultRow

EMPTY = RATE // 10
"""Samples of silence where no unit could be spoken: some codecs cannot write nothing."""


class Piece(NamedTuple):
    """What is kept of a unit between the passes: its sound is samples `first` to `end` of its file."""

    number: int
    file: str
    first: int
    end: int
    place: Place
    unit: Unit


def make(part: Path, rows: Iterable[ResultRow], settings: TtsSettings, step: Callable[[], None]) -> None:
    """Write the audiobook of all rows, and its subtitles beside it; `step` is called for each unit of the second pass.

    Raises:
        CannotAssemble: the name of the output tells no form, a unit's sound is damaged, somebody else's file is where
            the subtitles belong, or what was written is not as it should be. OSError
    """
    output = partfile.output_of(part)
    form = format_of(output)
    beside = _Beside(part, output, settings.subtitles)
    book = _Book(partfile.job_of(part))
    factor = book.measure(rows, settings)
    samples = total(book.last) or EMPTY
    placed = [(piece.unit, piece.place) for piece in book.pieces]
    chapters = held(chapters_of(placed, samples), form)
    tags = tags_of([unit for unit, _ in placed], output.stem)
    with encoding(part, form, tags, chapters, settings.bitrate) as encoder:
        for sound in book.again(step):
            encoder.write(sound if factor == 1 else sound * np.float32(factor))
    verify(part, form, samples, len(chapters))
    beside.place(placed)


class _Book:
    """The units of one output; their sound is never in memory, but for a few."""

    def __init__(self, job: str) -> None:
        self.pieces: list[Piece] = []
        self._job = job

    @property
    def last(self) -> Place | None:
        return self.pieces[-1].place if self.pieces else None

    def measure(self, rows: Iterable[ResultRow], settings: TtsSettings) -> float:
        """Find the place of each unit; the gain that makes the whole as loud as it should be."""
        if settings.loudness == 0:
            for _ in self._placed(rows, settings):
                pass
            return 1.0
        meter = Meter()
        for sound in joined(self._placed(rows, settings)):
            meter.hear(sound)
        return gain(meter.integrated(), settings.loudness, meter.peak)

    def again(self, step: Callable[[], None]) -> Iterator[Sound]:
        """The whole sound, in pieces."""
        if not self.pieces:
            yield np.zeros(EMPTY, np.float32)
        yield from joined(self._read(step))

    def _placed(self, rows: Iterable[ResultRow], settings: TtsSettings) -> Iterator[tuple[Sound, Place]]:
        silence = gaps(settings)
        for row in rows:
            unit, said = unit_of(row.payload), said_of(row.result)
            sound = check_length(read(row.file, row.index, self._job), said.samples, row.index, self._job)
            first, end = spoken(sound)
            place = follow(self.last, end - first, silence[unit.pause])
            self.pieces.append(Piece(row.index, row.file, first, end, place, unit))
            yield sound[first:end], place

    def _read(self, step: Callable[[], None]) -> Iterator[tuple[Sound, Place]]:
        for piece in self.pieces:
            step()
            yield read(piece.file, piece.number, self._job, piece.first, piece.end), piece.place


class _Beside:
    """The subtitles that are wanted, in files that nobody else's work lies in.

    The whole name of the output is in theirs, so that a document or a book in another form beside it has another.
    """

    def __init__(self, part: Path, output: Path, wanted: str) -> None:
        self._mark = subtitles.vtt_mark(partfile.job_of(part))
        self._vtt = (
            Marked(part, output.with_name(f"{output.name}.vtt"), self._mark) if wanted in ("vtt", "both") else None
        )
        self._srt = Vouched(part, output.with_name(f"{output.name}.srt")) if wanted in ("srt", "both") else None

    def place(self, units: list[tuple[Unit, Place]]) -> None:
        if self._vtt is not None:
            self._vtt.place(subtitles.vtt(subtitles.cues(units), self._mark))
        if self._srt is not None:
            self._srt.place(subtitles.srt(subtitles.cues(units)))
