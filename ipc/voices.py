"""Recordings in the folder of voices, which of them a name means, and what is said of one: alike for all who ask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import Struct

SUFFIXES: Final = (".wav", ".wave", ".flac", ".ogg", ".oga", ".mp3", ".opus", ".aif", ".aiff", ".au", ".caf")
"""Of sound files, in any case; what else lies in the folder is no voice."""


@dataclass(frozen=True)
class Named:
    """A voice, and its recording."""

    name: str
    path: Path


def known(folder: Path) -> list[Named]:
    """All of them, by name."""
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]
    voices = (Named(path.stem, path) for path in files if path.suffix.lower() in SUFFIXES)
    return sorted(voices, key=lambda one: (one.name, one.path.name))


def named(folder: Path, name: str) -> Named | None:
    """The voice that is written so, with or without its suffix; None where there is none."""
    voices = known(folder)
    return next((one for one in voices if name == one.path.name), None) or next(
        (one for one in voices if name == one.name), None
    )


class Checked(Struct, frozen=True):
    """What speaks against a recording: `problems` keep it from serving, `warnings` make it sound worse."""

    seconds: float
    rate: int
    """Samples a second."""
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
