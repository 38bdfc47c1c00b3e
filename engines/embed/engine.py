"""The engine of kind `embed`: one encoder, for all who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import CannotLoad, Model, Report
from engines.embed.appraise import NO_LIBRARY
from engines.embed.folder import check, found
from engines.embed.settings import EmbedSettings
from engines.environments.cuda_wheels import preload
from engines.one_model import OneModel
from ipc.errors import Problem

if TYPE_CHECKING:
    from engines.embed.loaded import Loaded


def create(report: Report) -> EmbedEngine:
    """What the child's runtime calls."""
    return EmbedEngine(report)


class EmbedEngine(OneModel[EmbedSettings, "Loaded"]):
    """One encoder through onnxruntime. Loading proves it by a vector that must be what it was when it was made."""

    def __init__(self, report: Report) -> None:
        super().__init__(report, EmbedSettings())

    def apply(self, settings: EmbedSettings) -> Model:
        """As for every engine; settings that cannot work together are refused whatever they would cost."""
        self._ready()
        check(settings)
        return super().apply(settings)

    def _library(self, settings: EmbedSettings) -> type[Loaded]:
        found(settings)
        return _loaded_class()

    def _model(self, loaded: Loaded, footprint_bytes: int) -> Model:
        on_gpu = None if loaded.on_gpu is None else int(loaded.on_gpu)
        return Model(loaded.name, "F32", footprint_bytes, None if on_gpu is None else 1, on_gpu)


def _loaded_class() -> type[Loaded]:
    """The part that knows the libraries (0.2 s to import), brought in late so that their lack can be said.

    Raises:
        CannotLoad: one is not installed, or cannot be used on this machine.
    """
    preload()
    try:
        from engines.embed.loaded import Loaded
    except NO_LIBRARY as error:
        raise CannotLoad(
            Problem(
                "No onnxruntime",
                f"onnxruntime or tokenizers cannot be used: {error}.",
                "Make this engine's environment: engineroom env sync embed.",
            )
        ) from error
    return Loaded
