"""How long a recording should be, and whether anybody counted: many containers are guessed at by their bit rate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

_COUNTED: Final = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "aiff"})
"""Containers that are written with their length, besides MP3 files that have a frame for it."""
_ID3_BYTES: Final = 10
_RIFF_BYTES: Final = 12
_CHUNK_BYTES: Final = 8
_FORMAT_BYTES: Final = 16
_UNKNOWN_BYTES: Final = 0x7FFFF000
"""Programs that write into a pipe put about so many or more: none counted them."""
_FIRST_FRAME_BYTES: Final = 4096


def seconds(container: InputContainer) -> float | None:
    """What the container says, or what its bytes suggest; None where that is nothing."""
    duration = container.duration
    return duration / av.time_base if duration is not None and duration > 0 else None


def promised(container: InputContainer, audio: AudioStream, path: Path) -> float | None:
    """Seconds of this sound as they were counted when it was written; None where they were not."""
    if container.format.name == "wav":
        return _wave_seconds(path)
    if container.format.name not in _COUNTED and not (container.format.name == "mp3" and _counted_frames(path)):
        return None
    duration = audio.duration
    if duration is not None and audio.time_base is not None:
        return float(duration * audio.time_base)
    return seconds(container) if len(container.streams) == 1 else None


def _wave_seconds(path: Path) -> float | None:
    """What a WAV file's header says; the library goes by the size of the file. None where the writer could not know."""
    try:
        file = path.open("rb")
    except OSError:  # as below
        return None
    with file:
        per_second = 0
        file.seek(_RIFF_BYTES)
        while len(chunk := file.read(_CHUNK_BYTES)) == _CHUNK_BYTES:
            size = int.from_bytes(chunk[4:], "little")
            if chunk.startswith(b"data"):
                return size / per_second if per_second and 0 < size < _UNKNOWN_BYTES else None
            content = file.read(min(size, _FORMAT_BYTES)) if chunk.startswith(b"fmt ") else b""
            per_second = int.from_bytes(content[8:12], "little") or per_second
            file.seek(size + size % 2 - len(content), os.SEEK_CUR)
    return None


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
