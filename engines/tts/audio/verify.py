"""Whether a written sound file holds what it should: opened anew, as a player does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import av

from engines.contract import CannotAssemble
from engines.tts.audio.formats import Format
from engines.tts.unit import RATE
from ipc.errors import Problem

TOLERANCE_SECONDS: Final = 2 * 1152 / RATE
"""Two of the longest frames that our codecs have: they pad the last one, and some tell their own delay as sound."""


def verify(part: Path, form: Format, samples: int, chapters: int) -> None:
    """Raises CannotAssemble: its duration or its chapters are not those that were written. OSError"""
    try:
        with av.open(str(part), format=_demuxer(form)) as container:
            seconds = _seconds(container)
            found = len(container.chapters())
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise _wrong(part, f"cannot be read: {error.strerror}") from error
    if abs(seconds - samples / RATE) > TOLERANCE_SECONDS:
        raise _wrong(part, f"lasts {seconds:.2f} s where {samples / RATE:.2f} s were written")
    if found != chapters:
        raise CannotAssemble(
            Problem(
                "Output not written",
                f"{part} has {found} chapters where {chapters} were written.",
                "Name another form of output: .m4b holds any chapters.",
            ),
            retry=False,  # the same chapters are written in the same way each time
        )


def _seconds(container: Any) -> float:
    stream = container.streams.audio[0]
    return float(stream.duration * stream.time_base) if stream.duration else 0.0


def _demuxer(form: Format) -> str:
    """The part file's name tells no form."""
    return {"ipod": "mp4", "opus": "ogg"}.get(form.container, form.container)


def _wrong(part: Path, what: str) -> CannotAssemble:
    return CannotAssemble(Problem("Output not written", f"{part} {what}.", "Check the file system."), retry=True)
