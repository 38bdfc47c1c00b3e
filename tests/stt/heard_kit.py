"""Rows as the desk gets them: stretches of recordings, and what was heard in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engines.stt.assemble import assemble
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE, Source, Span, Unit, encode
from ipc.hearing import Dropped, Heard, Segment, Word
from ipc.work import ResultRow

JOB = "box-7"


def segment(begin: float, end: float, text: str, words: Iterable[Word] = (), logprob: float = -0.25) -> Segment:
    return Segment(begin, end, text, logprob, 0.01, 1.2, 0.0, tuple(words))


def row(
    index: int,
    begin: float,
    end: float,
    *segments: Segment,
    dropped: tuple[Dropped, ...] = (),
    source: str = "/talks/one.wav",
    of: float = 0.0,
    **more: Any,
) -> ResultRow:
    """A stretch of a recording that has `of` seconds."""
    unit = Unit(Source(source, "7:7"), Span(round(begin * RATE), round(end * RATE)), end=round(of * RATE))
    heard = Heard(segments, dropped, "en", 0.98, "small int8", begin, end)
    for name, value in more.items():
        heard = Heard(**{**{one: getattr(heard, one) for one in heard.__struct_fields__}, name: value})
    return ResultRow(index, encode(unit), encode(heard))


def written(folder: Path, name: str, rows: Iterable[ResultRow], **settings: Any) -> str:
    """The output of that name, as the supervisor would put it in its place."""
    part = folder / f".{name}.{JOB}.part"
    assemble(part, iter(tuple(rows)), SttSettings(**settings), lambda: None)
    output = folder / name
    part.replace(output)
    return output.read_text()
