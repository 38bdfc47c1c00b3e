"""A row for each segment, separated by tabs, as openai-whisper writes it: begin and end in milliseconds, text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engines.stt.output.spaces import tidy
from ipc.hearing import Segment

_ESCAPED = str.maketrans("\t\n\r", "   ")


def head(*, sources: bool) -> str:
    """Names of the columns; the last one where there are several `sources`."""
    return "start\tend\ttext\tsource\n" if sources else "start\tend\ttext\n"


def rows(segments: Iterable[Segment], source: str | None) -> Iterator[str]:
    """One a segment; with its source, where there are several."""
    last = "" if source is None else f"\t{source.translate(_ESCAPED)}"
    for segment in segments:
        if said := tidy(segment.text):
            yield f"{_milliseconds(segment.begin)}\t{_milliseconds(segment.end)}\t{said}{last}\n"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
