"""The library's own model, for children that measure its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engines.tts.checkpoint import Checkpoint
from engines.tts.loading import library_model


class Quiet:
    """A report to nobody."""

    def step(self) -> None:
        """Nothing is counted."""

    def tokens(self, count: int) -> None:
        """Nor here."""

    def loading(self, fraction: float) -> None:
        """Nobody waits."""

    def say(self, words: str) -> None:
        """Nobody reads."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def library(folder: str) -> Any:
    """An instance of `ChatterboxTTS`, on the CPU."""
    return library_model(Checkpoint(Path(folder), "english"), Quiet())
