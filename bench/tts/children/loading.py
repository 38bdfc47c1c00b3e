"""The library's own model, for children that measure its parts."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from engines.tts.checkpoint import Checkpoint
from engines.tts.library import prepare
from engines.tts.loading import library_model
from engines.tts.unit import RATE


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


def warm() -> None:
    """The first watermark of a process compiles for a second, which is not what is measured."""
    prepare()
    silence = import_module("numpy").zeros(RATE, "float32")
    import_module("perth").PerthImplicitWatermarker().apply_watermark(silence, sample_rate=RATE)
