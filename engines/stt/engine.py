"""The engine of kind `stt`: one Whisper, which hears many spans of speech together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import Model, Report
from engines.one_model import OneModel
from engines.stt import library
from engines.stt.folder import found
from engines.stt.settings import SttSettings

if TYPE_CHECKING:
    from engines.stt.loaded import Loaded


def create(report: Report) -> SttEngine:
    """What the child's runtime calls."""
    return SttEngine(report)


class SttEngine(OneModel[SttSettings, "Loaded"]):
    """Loading proves it by a decode."""

    def __init__(self, report: Report) -> None:
        super().__init__(report, SttSettings())

    def _library(self, settings: SttSettings) -> type[Loaded]:
        found(settings)  # what is missing is told without the half second that the library takes
        library.prepare()
        from engines.stt.loaded import Loaded

        return Loaded

    def _model(self, loaded: Loaded, footprint_bytes: int) -> Model:
        on_gpu = None if loaded.on_gpu is None else int(loaded.on_gpu)
        return Model(loaded.name, loaded.quantization, footprint_bytes, None if on_gpu is None else 1, on_gpu)
