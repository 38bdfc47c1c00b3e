"""The engine of kind `tts`: one Chatterbox, whose chunks are decoded together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import CannotLoad, Model, Report
from engines.one_model import OneModel
from engines.tts.checkpoint import found
from engines.tts.library import prepare
from engines.tts.settings import TtsSettings
from ipc.errors import Problem
from ipc.snapshot import Applies

if TYPE_CHECKING:
    from engines.tts.loaded import Loaded


def create(report: Report) -> TtsEngine:
    """What the child's runtime calls."""
    return TtsEngine(report)


class TtsEngine(OneModel[TtsSettings, "Loaded"]):
    """Loading proves it by a token, and a sound of it."""

    def __init__(self, report: Report) -> None:
        super().__init__(report, TtsSettings())

    def _library(self, settings: TtsSettings) -> type[Loaded]:
        found(settings)  # what is missing is told without the seconds that the library takes
        return _loaded_class()

    def _cost(self, old: TtsSettings, new: TtsSettings) -> Applies | None:
        cost = super()._cost(old, new)
        # Matrices are laid out otherwise for a compiled step, and what the library had is gone by then.
        return "model" if cost == "context" and new.compile != old.compile else cost

    def _model(self, loaded: Loaded, footprint_bytes: int) -> Model:
        on_gpu = None if loaded.on_gpu is None else int(loaded.on_gpu)
        return Model(loaded.name, loaded.quantization, footprint_bytes, None if on_gpu is None else 1, on_gpu)


def _loaded_class() -> type[Loaded]:
    """The part that knows the library (seconds to import), brought in late so that its lack can be said.

    Raises:
        CannotLoad: it is not installed, or cannot be used on this machine.
    """
    try:
        prepare()
        from engines.tts.loaded import Loaded
    except (ImportError, OSError) as error:
        raise CannotLoad(
            Problem(
                "No chatterbox",
                f"chatterbox-tts cannot be used: {error}.",
                "Make this engine's environment: engineroom env sync tts.",
            )
        ) from error
    return Loaded
