"""The engine of kind `llm`: when to load, what a change of settings costs, and how the last that worked come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engines.contract import CannotLoad, Model, OutOfMemory, Report, Sky
from engines.gpu_memory import GpuMemory
from engines.llm.buffers import NO_LIBRARY
from engines.llm.settings import LlmSettings
from engines.memory import Growth
from engines.settings import as_dict, dearest
from ipc.errors import Problem

if TYPE_CHECKING:
    from engines.llm.loaded import Loaded


def create(report: Report) -> LlmEngine:
    """What the child's runtime calls."""
    return LlmEngine(report)


class LlmEngine:
    """One GGUF model through llama.cpp."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._growth = Growth()
        self._memory = GpuMemory()
        self._loaded: Loaded | None = None
        self._settings = LlmSettings()
        self.loads = 0
        """How often weights were read."""

    def load(self, settings: LlmSettings) -> Model:
        """Load and write one token.

        Raises:
            CannotLoad, OutOfMemory, LoadCancelled
        """
        self.close()
        kind = _loaded_class()
        self._growth = Growth()
        self._loaded, self._settings = self._read(kind, settings), settings
        return self._model()

    def apply(self, settings: LlmSettings) -> Model:
        """Take the settings with the least that suffices; the old ones are back if it raises.

        Raises:
            CannotLoad, OutOfMemory
        """
        loaded, old = self._ready(), self._settings
        match dearest(old, as_dict(settings)):
            case None | "now" | "flight":
                loaded.retune(settings)
            case "context":
                self._rebuild(loaded, old, settings)
            case "model" | "process":
                self._reload(loaded, old, settings)
        self._settings = settings
        return self._model()

    def fly(self, sky: Sky) -> None:
        """Write the answers of all flights.

        Raises:
            OutOfMemory
        """
        self._ready().fly(sky)

    def close(self) -> None:
        """Give the model back; safe to call when nothing is loaded."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def _rebuild(self, loaded: Loaded, old: LlmSettings, new: LlmSettings) -> None:
        try:
            loaded.rebuild(new)
        except (CannotLoad, OutOfMemory):
            with _must_succeed():
                loaded.rebuild(old)
            raise

    def _reload(self, loaded: Loaded, old: LlmSettings, new: LlmSettings) -> None:
        kind = _loaded_class()
        kind.check(new, self._report)
        self.close()
        try:
            self._loaded = self._read(kind, new)
        except (CannotLoad, OutOfMemory):
            with _must_succeed():
                self._loaded = self._read(kind, old)
            raise

    def _read(self, kind: type[Loaded], settings: LlmSettings) -> Loaded:
        self.loads += 1
        return kind(settings, self._report, self._memory)

    def _ready(self) -> Loaded:
        if self._loaded is None:
            raise RuntimeError("no model is loaded")
        return self._loaded

    def _model(self) -> Model:
        loaded = self._ready()
        return Model(loaded.name, loaded.quantization, self._growth.bytes(), loaded.layers, loaded.layers_on_gpu)


@contextmanager
def _must_succeed() -> Iterator[None]:
    """Around putting back what worked: where that fails, nothing is loaded, and only a new process helps."""
    try:
        yield
    except (CannotLoad, OutOfMemory) as error:
        raise RuntimeError("the settings that worked did not come back") from error


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
