"""The engine of kind `tts`: when to load, what a change of settings costs, and how the last that worked come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import CannotLoad, LoadCancelled, Model, OutOfMemory, Report, Sky
from engines.gpu_memory import GpuMemory
from engines.memory import Growth
from engines.settings import as_dict, dearest
from engines.tts.checkpoint import found
from engines.tts.library import prepare
from engines.tts.settings import TtsSettings
from ipc.errors import Problem, RequestFailed

if TYPE_CHECKING:
    from engines.tts.loaded import Loaded


def create(report: Report) -> TtsEngine:
    """What the child's runtime calls."""
    return TtsEngine(report)


class TtsEngine:
    """One Chatterbox, whose chunks are decoded together."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._growth = Growth()
        self._memory = GpuMemory()
        self._loaded: Loaded | None = None
        self._settings = TtsSettings()

    def load(self, settings: TtsSettings) -> Model:
        """Load, and speak one token with a sound of it.

        Raises:
            CannotLoad, RequestFailed, OutOfMemory, LoadCancelled
        """
        self.close()
        found(settings)
        kind = _loaded_class()
        self._growth = Growth()
        self._loaded, self._settings = kind(settings, self._report, self._memory), settings
        return self._model()

    def apply(self, settings: TtsSettings) -> Model:
        """Take the settings with the least that suffices; the old ones are back if it raises.

        Raises:
            RequestFailed, CannotLoad, OutOfMemory
        """
        loaded, old = self._ready(), self._settings
        match dearest(old, as_dict(settings)):
            case None | "now" | "flight":
                loaded.retune(settings)
            case "context" if settings.compile == old.compile:
                loaded.rebuild(settings)
            case "context" | "model" | "process":
                self._reload(old, settings)
        self._settings = settings
        return self._model()

    def fly(self, sky: Sky) -> None:
        """Speak what all flights ask for, those that come meanwhile included.

        Raises:
            OutOfMemory
        """
        self._ready().fly(sky)

    def close(self) -> None:
        """Give the model back; safe to call when nothing is loaded."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def _reload(self, old: TtsSettings, new: TtsSettings) -> None:
        found(new)
        kind = _loaded_class()
        self.close()
        try:
            self._loaded = kind(new, self._report, self._memory)
        except (CannotLoad, OutOfMemory, RequestFailed, LoadCancelled):
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
        return Model(loaded.name, loaded.quantization, self._growth.bytes(), None if on_gpu is None else 1, on_gpu)


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
