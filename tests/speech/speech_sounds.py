"""Sounds that stand for speech, and the rows of a job that made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from engines.tts.assemble import assemble
from engines.tts.audio.trim import Sound
from engines.tts.settings import TtsSettings
from engines.tts.unit import RATE, Book, Pause, Span, Unit, encode
from ipc.speech import Said
from ipc.work import ResultRow

PAUSES: tuple[Pause, ...] = ("none", "clause", "sentence", "sentence", "paragraph", "chapter")


def spoken_sound(seconds: float, seed: int = 0, level: float = 0.2, edge: float = 0.1) -> Sound:
    """A buzz that comes and goes like syllables, between two silences of `edge` seconds."""
    time = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * (100 + 10 * seed) * k * time) / k for k in range(1, 8))
    syllables = (0.55 + 0.45 * np.cos(2 * np.pi * 3 * time)) ** 2
    silence = np.zeros(int(edge * RATE))
    made: Sound = np.concatenate((silence, level / 2 * buzz * syllables, silence)).astype(np.float32)
    return made


@dataclass
class Book_:
    """Units of a job as an engine left them in a folder, and what its settings are."""

    folder: Path
    units: list[tuple[Unit, Sound]] = field(default_factory=list)
    settings: TtsSettings = TtsSettings(pause_chapter_ms=500)

    def say(self, sound: Sound, **told: Any) -> None:
        """One more unit."""
        number = len(self.units)
        unit = Unit(**{"text": f"Sentence {number}.", "language": "en", "spans": (Span(number, 0, 11),), **told})
        self.units.append((unit, sound))

    def rows(self) -> Sequence[ResultRow]:
        """As the desk gets them."""
        made = []
        for index, (unit, sound) in enumerate(self.units):
            file = self.folder / f"unit-{index}"
            soundfile.write(file, sound, RATE, format="FLAC", subtype="PCM_16")
            made.append(ResultRow(index, encode(unit), encode(Said(len(sound), 1, 1)), str(file)))
        return made

    def part(self, name: str, job: str = "box-3") -> Path:
        """Where an output of that name is written."""
        return self.folder / f".{name}.{job}.part"

    def assemble(self, name: str, step: Callable[[], None] = lambda: None, job: str = "box-3") -> Path:
        """The part file, written."""
        part = self.part(name, job)
        assemble(part, iter(self.rows()), self.settings, step)
        return part


def novel(folder: Path, chapters: int = 2) -> Book_:
    """Six units a chapter, with every kind of pause."""
    book = Book_(folder)
    for chapter in range(chapters):
        for i, pause in enumerate(PAUSES):
            told: dict[str, Any] = {"chapter": chapter, "pause": pause}
            if i == 0:
                told["heading"] = f"Kapitel {chapter + 1}: Süß"
            if i == 0 and chapter == 0:
                told["book"] = Book("Die Wahlverwandtschaften", "J. W. v. Goethe", "de")
            book.say(spoken_sound(0.4 + 0.1 * i, i), **told)
    return book


def decoded(file: Path) -> Sound:
    """The samples of a sound file, whatever its form."""
    with av.open(str(file)) as container:
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
    whole = np.concatenate(pieces, axis=1)[0]
    samples: Sound = (whole / 32768 if whole.dtype == np.int16 else whole).astype(np.float32)
    return samples
