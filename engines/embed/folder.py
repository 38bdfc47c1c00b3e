"""A model as the engine loads it: a folder with model.onnx, tokenizer.json, and embedding.json, which says the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from engines.contract import CannotLoad
from engines.embed.settings import EmbedSettings
from engines.identity import identity_of
from ipc.errors import Problem
from ipc.places import data_folder, models_folder

GRAPH, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "embedding.json"
VERSION = 1
PROBE = "The boiler feeds the engine."
"""The text whose vector is noted when a model is made, and computed again at each load."""

LEAST_TOKENS = 8
_AGAIN = "Make it again: engineroom models import FOLDER."


class Manifest(Struct, frozen=True):
    """What embedding.json says. `width`, `heads` and `inner` are for estimates of memory; bytes tell a file cut short.

    `probe` is the vector of `PROBE`.
    """

    version: int
    name: str
    architecture: str
    dimensions: Annotated[int, Meta(ge=1, le=65536)]
    max_tokens: Annotated[int, Meta(ge=2)]
    pooling: Literal["mean", "cls"]
    normalised: bool
    lowercase: bool
    heads: int
    inner: int
    model_bytes: int
    probe: tuple[float, ...]


@dataclass(frozen=True)
class ModelFolder:
    """A folder that was looked into; nothing of it is loaded."""

    path: Path
    manifest: Manifest

    @property
    def graph(self) -> Path:
        """The file with the weights."""
        return self.path / GRAPH

    @property
    def tokenizer(self) -> Path:
        """The file that cuts texts into tokens."""
        return self.path / TOKENIZER

    def identity(self) -> str:
        """Of all its files: a replaced one is another model."""
        return identity_of((self.graph, self.tokenizer, self.path / MANIFEST))


def path_of(settings: EmbedSettings) -> Path:
    """The folder that `model` names: one of the data folder, or any path; `~` is the home folder."""
    if os.sep not in settings.model and not settings.model.startswith("~"):
        return models_folder(data_folder(os.environ)) / settings.model
    return Path(settings.model).expanduser()


def found(settings: EmbedSettings) -> ModelFolder:
    """The model that the settings mean.

    Raises:
        CannotLoad: it is not there, was not made for this engine, or a file of it is missing or cut short; or the
            settings leave nothing of a text.
    """
    check(settings)
    return read(path_of(settings), settings.model)


def check(settings: EmbedSettings) -> None:
    """Whether something of each text is left.

    Raises:
        CannotLoad
    """
    if 0 < settings.max_tokens < LEAST_TOKENS:
        raise CannotLoad(
            Problem(
                "Texts too short",
                f"max_tokens = {settings.max_tokens} leaves hardly more of a text than its two marks.",
                f"Set it to {LEAST_TOKENS} or more, or to 0: as the model was made.",
            )
        )


def read(path: Path, name: str) -> ModelFolder:
    """The model in that folder; `name` is what it is called. Raises CannotLoad as `found`."""
    if not path.is_dir():
        source = name if os.sep not in name else "FOLDER"
        raise CannotLoad(
            Problem("Model missing", f"There is no folder {path}.", f"Make it once: engineroom models import {source}.")
        )
    try:
        manifest = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
        size = (path / GRAPH).stat().st_size
        (path / TOKENIZER).stat()
    except FileNotFoundError as error:
        raise _refused(path, f"it has no {Path(error.filename).name}", f"engineroom models import {path}") from error
    except OSError as error:
        raise CannotLoad(
            Problem("Model unreadable", f"{error.filename}: {error.strerror}.", "Check its permissions.")
        ) from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CannotLoad(Problem("Model refused", f"{path / MANIFEST}: {error}.", _AGAIN)) from error
    if manifest.version != VERSION:
        raise _refused(path, f"it is of version {manifest.version} and this Engine Room reads {VERSION}", "FOLDER")
    if size != manifest.model_bytes:
        raise CannotLoad(
            Problem(
                "Model truncated",
                f"{path / GRAPH} has {size:,} bytes where {manifest.model_bytes:,} were written.",
                _AGAIN,
            )
        )
    return ModelFolder(path, manifest)


def _refused(path: Path, why: str, how: str) -> CannotLoad:
    how = how if how.startswith("engineroom") else f"engineroom models import {how}"
    return CannotLoad(Problem("Not an embedding model", f"{path}: {why}.", f"Make one of it: {how}."))
