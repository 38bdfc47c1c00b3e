"""What keeps a recording from being read, said to whoever brought it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ipc.errors import EngineRoomError, Problem


class NotAudio(EngineRoomError):
    """Raised when a file holds no sound that can be read."""


def unreadable(path: Path, error: OSError) -> NotAudio:
    """The system does not give it to us."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    hint = "Check the path." if error.errno == errno.ENOENT else "Check the file and its permissions."
    return NotAudio(Problem("Recording unreadable", f"{path}: {reason}.", hint))


def no_file(path: Path) -> NotAudio:
    """A folder, a pipe, a device."""
    return NotAudio(
        Problem("Recording unreadable", f"{path} is not a regular file.", "Name a file; what is live is for `listen`.")
    )


def empty(path: Path) -> NotAudio:
    """No bytes, or a header that nothing follows."""
    return NotAudio(Problem("Recording empty", f"{path} holds no sound: it is 0 s long.", "Record or copy it again."))


def not_audio(path: Path) -> NotAudio:
    """Whatever it is, no container that is known."""
    return NotAudio(
        Problem(
            "Not audio",
            f"{path} is no recording that can be read, whatever its name says.",
            "Convert it to WAV, FLAC or MP3 first, copy it again if it was cut off, or leave it out.",
        )
    )


def no_sound(path: Path) -> NotAudio:
    """Pictures, or text."""
    return NotAudio(Problem("No sound", f"{path} has no audio stream.", "Leave it out, or bring a file with sound."))


def no_decoder(path: Path) -> NotAudio:
    """Its container is known, its sound is not; the library names no codec that it has no decoder for."""
    return NotAudio(
        Problem(
            "Unknown sound",
            f"The sound of {path} is written in a codec that cannot be read here.",
            "Convert it to WAV, FLAC or MP3 first.",
        )
    )


def damaged(path: Path) -> NotAudio:
    """All that it holds is refused by the decoder."""
    return NotAudio(
        Problem(
            "Recording damaged",
            f"Nothing of the sound of {path} can be decoded: it is damaged or protected.",
            "Play it somewhere to see whether it is sound, and copy or convert it again.",
        )
    )
