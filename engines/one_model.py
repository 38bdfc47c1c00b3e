"""An engine that holds one loaded model: what a change of settings costs, and how the last that worked come back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from engines.contract import CannotLoad, Model, OutOfMemory, Report, Sky
from engines.gpu_memory import GpuMemory
from engines.memory import Growth
from engines.settings import EngineSettings, as_dict, dearest
from ipc.errors import RequestFailed
from ipc.snapshot import Applies

S_contra = TypeVar("S_contra", bound=EngineSettings, contravariant=True)


class Loaded(Protocol[S_contra]):
    """What a kind loads; its constructor loads, and gives everything back where it raises."""

    def retune(self, settings: S_contra) -> None:
        """Take what holds at once, or from the next flight on."""

    def rebuild(self, settings: S_contra) -> None:
        """Take also what needs another context, over the same weights."""

    def fly(self, sky: Sky) -> None:
        """As `Engine.fly`."""

    def close(self) -> None:
        """Give the memory back."""


S = TypeVar("S", bound=EngineSettings)
L = TypeVar("L", bound=Loaded[Any])


class OneModel(ABC, Generic[S, L]):
    """The `Engine` of a kind, which says how its model is read and what it is."""

    def __init__(self, report: Report, settings: S) -> None:
        self._report = report
        self._memory = GpuMemory()
        self._growth = Growth()
        self._loaded: L | None = None
        self._settings = settings

    @abstractmethod
    def _library(self, settings: S) -> Callable[[S, Report, GpuMemory], L]:
        """What loads, brought in late so that the lack of its library can be said. Raises CannotLoad."""

    @abstractmethod
    def _model(self, loaded: L, footprint_bytes: int) -> Model:
        """What is loaded."""

    def _check(self, settings: S) -> None:
        """Before what is loaded is given up: that these settings mean something that can be read. Raises CannotLoad."""
        self._library(settings)

    def _read(self, settings: S) -> L:
        """Raises what `Engine.load` does, and RequestFailed."""
        return self._library(settings)(settings, self._report, self._memory)

    def _cost(self, old: S, new: S) -> Applies | None:
        """The dearest of what has changed."""
        return dearest(old, as_dict(new))

    def _rebuild(self, loaded: L, old: S, new: S) -> None:
        """What worked stays where it raises."""
        loaded.rebuild(new)

    def load(self, settings: S) -> Model:
        """Load, and prove that it works.

        Raises:
            CannotLoad, RequestFailed, OutOfMemory, LoadCancelled
        """
        self.close()
        self._library(settings)
        self._growth = Growth()  # the memory of the library is none of the model's
        self._loaded, self._settings = self._read(settings), settings
        return self._told()

    def apply(self, settings: S) -> Model:
        """Take the settings with the least that suffices; the old ones are back if it raises.

        Raises:
            RequestFailed, CannotLoad, OutOfMemory
        """
        loaded, old = self._ready(), self._settings
        match self._cost(old, settings):
            case None | "now" | "flight":
                loaded.retune(settings)
            case "context":
                self._rebuild(loaded, old, settings)
            case "model" | "process":
                self._reload(old, settings)
        self._settings = settings
        return self._told()

    def fly(self, sky: Sky) -> None:
        """Do what all flights ask for, those that come meanwhile included.

        Raises:
            OutOfMemory
        """
        self._ready().fly(sky)

    def close(self) -> None:
        """Give the model back; safe to call when nothing is loaded."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def _reload(self, old: S, new: S) -> None:
        self._check(new)
        self.close()
        try:
            self._loaded = self._read(new)
        except (CannotLoad, OutOfMemory, RequestFailed):
            with must_succeed():
                self._loaded = self._read(old)
            raise

    def _ready(self) -> L:
        if self._loaded is None:
            raise RuntimeError("no model is loaded")
        return self._loaded

    def _told(self) -> Model:
        return self._model(self._ready(), self._growth.bytes())


@contextmanager
def must_succeed() -> Iterator[None]:
    """Around putting back what worked: where that fails, nothing is loaded, and only a new process helps."""
    try:
        yield
    except (CannotLoad, OutOfMemory, RequestFailed) as error:
        raise RuntimeError("the settings that worked did not come back") from error
