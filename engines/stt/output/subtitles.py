"""Subtitles as SubRip or WebVTT."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from engines.stt.output.cues import Cue

VTT = "WEBVTT\n\n"
"""How such a file begins."""


def srt(cues: Iterable[Cue]) -> Iterator[str]:
    """A SubRip file, in pieces."""
    for number, cue in enumerate(cues, 1):
        text = "\n".join(cue.lines).replace("-->", "→")
        yield f"{number}\n{_clock(cue.begin, ',')} --> {_clock(cue.end, ',')}\n{text}\n\n"


def vtt(cues: Iterable[Cue], head: str = VTT) -> Iterator[str]:
    """A `WebVTT <https://www.w3.org/TR/webvtt1/>`_ file, in pieces, of which the first is `head`."""
    yield head
    for cue in cues:
        text = html.escape("\n".join(cue.lines), quote=False)
        yield f"{_clock(cue.begin, '.')} --> {_clock(cue.end, '.')}\n{text}\n\n"


def vtt_mark(job: str) -> str:
    """How a WebVTT file begins that only this job may replace."""
    return f"{VTT}NOTE job {job}\n\n"


def _clock(milliseconds: int, point: str) -> str:
    """Hours have as many digits as they need, two at least."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
