"""What the command line asks a kind about model files, and what the kind's own process answers: JSON, one a line."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from ipc.errors import Problem

Origin: TypeAlias = Literal["made here", "configured", "Hugging Face", "Ollama", "folder", "shipped"]


class Configured(Struct, frozen=True):
    """An engine, and the model that its settings ask for."""

    engine: str
    model: str
    quantization: str


class ListModels(Struct, frozen=True, tag="list"):
    """All that is known: made here, configured, in the usual places, and in folders that were scanned before."""

    engines: tuple[Configured, ...]


class ScanModels(Struct, frozen=True, tag="scan"):
    """What lies in the usual places and in these folders, which are remembered."""

    folders: tuple[str, ...]


class QuantizeModel(Struct, frozen=True, tag="quantize"):
    """Make a level of a model, named by a path or as `list` names it."""

    model: str
    level: str


class VerifyModels(Struct, frozen=True, tag="verify"):
    """Look into these, or into all that are known."""

    engines: tuple[Configured, ...]
    models: tuple[str, ...]


class RemoveModels(Struct, frozen=True, tag="remove"):
    """Remove these files, each of which was made here."""

    paths: tuple[str, ...]


Ask: TypeAlias = ListModels | ScanModels | QuantizeModel | VerifyModels | RemoveModels


class Quality(Struct, frozen=True):
    """Perplexity of the source and of what was made of it, on the same text."""

    before: float
    after: float
    tokens: int

    @property
    def lost(self) -> float:
        """As a share of what it was: 0.04 is four per cent worse."""
        return self.after / self.before - 1


class ModelRow(Struct, frozen=True, tag="model"):
    """One model file, or the first of its shards; with a `problem`, what it is may not be known."""

    path: str
    origin: Origin
    label: str = ""
    """What its place calls it: `llama3.2:1b`, `bartowski/Llama-3.2-1B-Instruct-GGUF`."""
    name: str = ""
    level: str | None = None
    quantization: str | None = None
    bytes: int | None = None
    engines: tuple[str, ...] = ()
    """Those configured to use it."""
    made_of: str = ""
    """The path of its source, where it was made here."""
    note: str = ""
    quality: Quality | None = None
    seconds: float | None = None
    """How long it took to make."""
    problem: Problem | None = None


class Progress(Struct, frozen=True, tag="progress"):
    """How far it is, 0..1."""

    fraction: float


class Remark(Struct, frozen=True, tag="remark"):
    """Something to know."""

    text: str


class Checked(Struct, frozen=True, tag="checked"):
    """One model was looked into; sound where nothing is `broken`."""

    path: str
    name: str
    broken: tuple[str, ...]
    unknown: tuple[str, ...]
    """What could not be looked at, and why."""


class Removed(Struct, frozen=True, tag="removed"):
    """One was removed."""

    path: str
    bytes: int


class Refused(Struct, frozen=True, tag="refused"):
    """It cannot be done."""

    problem: Problem


Said: TypeAlias = ModelRow | Progress | Remark | Checked | Removed | Refused


class Imported(Struct, frozen=True):
    """An embedding model was made of a folder with weights; `how` is `weights` or `torch`."""

    name: str
    path: str
    architecture: str
    dimensions: int
    max_tokens: int
    size_bytes: int
    seconds: float
    how: str


class Outcome(Struct, frozen=True):
    """What an import prints; exactly one of both."""

    made: Imported | None
    problem: Problem | None
