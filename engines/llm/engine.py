"""The engine of kind `llm`: one GGUF model, rebuilt over the same weights where that suffices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import CannotLoad, Model, OutOfMemory, Report
from engines.llm.buffers import NO_LIBRARY
from engines.llm.settings import LlmSettings
from engines.one_model import OneModel, must_succeed
from ipc.errors import Problem

if TYPE_CHECKING:
    from engines.llm.loaded import Loaded


def create(report: Report) -> LlmEngine:
    """What the child's runtime calls."""
    return LlmEngine(report)


class LlmEngine(OneModel[LlmSettings, "Loaded"]):
    """One GGUF model through llama.cpp."""

    def __init__(self, report: Report) -> None:
        super().__init__(report, LlmSettings())
        self.loads = 0
        """How often weights were read."""

    def _library(self, settings: LlmSettings) -> type[Loaded]:
        return _loaded_class()

    def _read(self, settings: LlmSettings) -> Loaded:
        self.loads += 1
        return super()._read(settings)

    def _check(self, settings: LlmSettings) -> None:
        _loaded_class().check(settings, self._report)

    def _rebuild(self, loaded: Loaded, old: LlmSettings, new: LlmSettings) -> None:
        try:
            loaded.rebuild(new)
        except (CannotLoad, OutOfMemory):
            with must_succeed():
                loaded.rebuild(old)
            raise

    def _model(self, loaded: Loaded, footprint_bytes: int) -> Model:
        return Model(loaded.name, loaded.quantization, footprint_bytes, loaded.layers, loaded.layers_on_gpu)


def _loaded_class() -> type[Loaded]:
    """The part that knows the library (0.3 s to import), brought in late so that its lack can be said.

    Raises:
        CannotLoad: it is not installed, or cannot be used on this machine.
    """
    try:
        from engines.llm.loaded import Loaded
    except NO_LIBRARY as error:
        raise CannotLoad(
            Problem(
                "No llama.cpp",
                f"llama-cpp-python cannot be used: {error}.",
                "Make the environment of this kind: engineroom env sync llm.",
            )
        ) from error
    return Loaded
