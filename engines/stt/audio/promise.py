"""How long a recording should be, and whether anybody counted: many containers are guessed at by their bit rate."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

_COUNTED: Final = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "aiff"})
"""Containers that are written with their length, besides MP3 files that have a frame for it."""
_ID3_BYTES: Final = 10
_FIRST_FRAME_BYTES: Final = 4096


def seconds(container: InputContainer) -> float | None:
    """What the container says, or what its bytes suggest; None where that is nothing."""
    duration = container.duration
    return duration / av.time_base if duration is not None and duration > 0 else None


def promised(container: InputContainer, audio: AudioStream, path: Path) -> float | None:
    """Seconds of this sound as they were counted when it was written; None where they were not."""
    if container.format.name not in _COUNTED and not (container.format.name == "mp3" and _counted_frames(path)):
        return None
    duration = audio.duration
    if duration is not None and audio.time_base is not None:
        return float(duration * audio.time_base)
    return seconds(container) if len(container.streams) == 1 else None


def _counted_frames(path: Path) -> bool:
    """Whether an MP3's first frame tells how many follow."""
    try:
        file = path.open("rb")
    except OSError:  # it was open a moment ago, and who reads on will tell
        return False
    with file:
        head = file.read(_ID3_BYTES)
        tagged = head.startswith(b"ID3") and len(head) == _ID3_BYTES
        size = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)) if tagged else 0
        file.seek(size + _ID3_BYTES if tagged else 0)
        first = file.read(_FIRST_FRAME_BYTES)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))
