"""What was done since the load, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from engines.tts.aboard import Speech
from engines.tts.unit import RATE
from ipc.speech import Said

_MINUTE = 60


@dataclass
class Tally:
    """Counts of chunks that were finished."""

    characters: int = 0
    words: int = 0
    audio_seconds: float = 0.0
    chunks: int = 0
    extended: int = 0
    """Chunks that went on over what was expected."""
    redone: int = 0
    """Takes that were thrown away."""
    divided: int = 0
    """Chunks that found no end as a whole."""
    flagged: int = 0
    """Chunks with which something is still wrong."""

    def add(self, speech: Speech, said: Said) -> None:
        """An order was spoken."""
        self.characters += speech.characters
        self.words += speech.words
        self.audio_seconds += said.samples / RATE
        self.chunks += 1
        self.extended += said.extended > 0
        self.redone += said.redone
        self.divided += said.pieces > speech.planned
        self.flagged += bool(said.flags)

    def __str__(self) -> str:
        """For the screen; what never happened is left out."""
        seconds = self.audio_seconds
        sound = f"{seconds:.0f} s" if seconds < _MINUTE else f"{seconds / _MINUTE:.0f} min"
        words = [f"{self.characters:,} characters", f"{self.words:,} words", f"{sound} of sound"]
        for count, what in (
            (self.extended, "extended"),
            (self.redone, "redone"),
            (self.divided, "divided"),
            (self.flagged, "flagged"),
        ):
            if count:
                words.append(f"{count:,} {what}")
        return " · ".join(words)
