"""The engine of kind `embed`: when to load, what a change of settings costs, and how the last that worked come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import CannotLoad, Model, OutOfMemory, Report, Sky
from engines.embed.appraise import NO_LIBRARY
from engines.embed.folder import check, found
from engines.embed.settings import EmbedSettings
from engines.environments.cuda_wheels import preload
from engines.gpu_memory import GpuMemory
from engines.memory import Growth
from engines.settings import as_dict, dearest
from ipc.errors import Problem

if TYPE_CHECKING:
    from engines.embed.loaded import Loaded


def create(report: Report) -> EmbedEngine:
    """What the child's runtime calls."""
    return EmbedEngine(report)


class EmbedEngine:
    """One encoder through onnxruntime, for all who ask."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._growth = Growth()
        self._memory = GpuMemory()
        self._loaded: Loaded | None = None
        self._settings = EmbedSettings()

    def load(self, settings: EmbedSettings) -> Model:
        """Load and compute one vector, which must be what it was when the model was made.

        Raises:
            CannotLoad, OutOfMemory
        """
        self.close()
        kind = _loaded_class()
        self._growth = Growth()
        self._loaded, self._settings = kind(settings, self._report, self._memory), settings
        return self._model()

    def apply(self, settings: EmbedSettings) -> Model:
        """Take the settings with the least that suffices; the old ones are back if it raises.

        Raises:
            CannotLoad, OutOfMemory
        """
        loaded, old = self._ready(), self._settings
        check(settings)
        match dearest(old, as_dict(settings)):
            case None | "now" | "flight":
                loaded.retune(settings)
            case "context":
                loaded.rebuild(settings)
            case "model" | "process":
                self._reload(old, settings)
        self._settings = settings
        return self._model()

    def fly(self, sky: Sky) -> None:
        """Compute what all flights ask for, those that come meanwhile included.

        Raises:
            OutOfMemory
        """
        self._ready().fly(sky)

    def close(self) -> None:
        """Give the model back; safe to call when nothing is loaded."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def _reload(self, old: EmbedSettings, new: EmbedSettings) -> None:
        found(new)
        kind = _loaded_class()
        self.close()
        try:
            self._loaded = kind(new, self._report, self._memory)
        except (CannotLoad, OutOfMemory):
            try:
                self._loaded = kind(old, self._report, self._memory)
            except (CannotLoad, OutOfMemory) as error:  # nothing is loaded now, and only a new process helps
                raise RuntimeError("the settings that worked did not come back") from error
            raise

    def _ready(self) -> Loaded:
        if self._loaded is None:
            raise RuntimeError("no model is loaded")
        return self._loaded

    def _model(self) -> Model:
        loaded = self._ready()
        on_gpu = None if loaded.on_gpu is None else int(loaded.on_gpu)
        return Model(loaded.name, "F32", self._growth.bytes(), None if on_gpu is None else 1, on_gpu)


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
