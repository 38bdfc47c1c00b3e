"""In which forms an audiobook can be written; the name of the output decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from engines.contract import CannotAssemble
from engines.tts.unit import RATE
from ipc.errors import Problem


@dataclass(frozen=True)
class Format:
    """A form of sound file, in the words of PyAV.

    `sample` is what is handed to the encoder: `s16` or `flt`. `most` is the highest bitrate that the codec has
    for one channel at `rate`, in kbit/s; 0 where it has none to choose.
    """

    container: str
    codec: str
    sample: Literal["s16", "flt"]
    rate: int = RATE
    most: int = 0
    options: dict[str, str] = field(default_factory=dict)
    """Of the container."""
    chapters: Literal["own", "comments", "none"] = "own"
    """Whether FFmpeg writes chapters into it, or we as comments, or it has no room for them.

    FFmpeg 8 writes no such comments into FLAC, and into Ogg it rounds seconds up, so that half of them are 1 s late.
    """
    most_chapters: int | None = None
    """So many of them can be read back."""
    most_title_bytes: int | None = None
    """So long the title of a chapter may be, in UTF-8."""


_COMMENTED: Final = 1000
"""FFmpeg reads comments of chapters that are numbered by exactly three digits."""
_ID3_TITLE_BYTES: Final = 120
"""FFmpeg writes the size of a title within a chapter as a plain number, and reads one of seven bits to a byte."""


FORMATS: Final = {
    ".m4b": Format("ipod", "aac", "flt", most=144, options={"brand": "M4B "}),
    ".m4a": Format("ipod", "aac", "flt", most=144, options={"brand": "M4A "}),
    ".mp3": Format("mp3", "libmp3lame", "flt", most=160, most_title_bytes=_ID3_TITLE_BYTES),
    ".opus": Format("opus", "libopus", "flt", rate=48000, most=256, chapters="comments", most_chapters=_COMMENTED),
    ".flac": Format("flac", "flac", "s16", chapters="comments", most_chapters=_COMMENTED),
    ".wav": Format("wav", "pcm_s16le", "s16", options={"rf64": "auto"}, chapters="none"),
}


def format_of(output: Path) -> Format:
    """What the suffix says. Raises CannotAssemble: it says nothing."""
    known = FORMATS.get(output.suffix.lower())
    if known is None:
        names = ", ".join(FORMATS)
        raise CannotAssemble(
            Problem("Unknown form", f"The name of {output} says no form of sound.", f"Known are {names}."), retry=False
        )
    return known
