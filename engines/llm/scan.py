"""Which model files are on this box: in the usual places and in folders that people told; headers are read, no more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from engines.contract import CannotLoad
from engines.hubcache import hub_folder
from engines.llm import gguf
from engines.llm.files import ModelFile
from engines.llm.header import read
from engines.llm.hub import in_hub
from engines.llm.ollama import in_ollama, ollama_folders
from ipc.errors import Problem
from ipc.models import ModelRow, Origin
from ipc.places import data_folder, models_folder


def usual_places() -> Iterator[ModelRow]:
    """What lies where other programs keep models."""
    yield from _in_place(hub_folder(os.environ), "Hugging Face")
    for store in ollama_folders(os.environ):
        yield from _in_place(store, "Ollama")


def in_folder(folder: Path) -> Iterator[ModelRow]:
    """What lies in it and in the folders below."""
    if not folder.is_dir():
        yield ModelRow(str(folder), "folder", problem=Problem("No folder", f"{folder} is no folder.", "Name another."))
    else:
        yield from _in_place(folder, "folder")


def row_of(path: Path, origin: Origin, label: str = "") -> ModelRow:
    """The row for one file; where it is broken, with the reason."""
    try:
        return row_of_file(ModelFile(path, read(path)), origin, label)
    except CannotLoad as error:
        return ModelRow(str(path), origin, label, problem=error.problem)


def row_of_file(file: ModelFile, origin: Origin, label: str = "") -> ModelRow:
    """The row for a file whose header was read."""
    header = file.header
    return ModelRow(
        path=str(file.path),
        origin=origin,
        label=label,
        name=header.name or label or file.path.stem,
        level=header.level,
        quantization=header.quantization,
        bytes=file.file_bytes(),
    )


def remembered() -> tuple[str, ...]:
    """Folders that were scanned before and are still there."""
    try:
        told = msgspec.json.decode(_memory().read_bytes(), type=tuple[str, ...])
    except (OSError, msgspec.MsgspecError):
        return ()
    return tuple(folder for folder in told if os.path.isdir(folder))


def remember(folders: Iterable[str]) -> None:
    """Look there, too, whenever models are listed; what cannot be kept is looked for once."""
    whole = tuple(dict.fromkeys([*remembered(), *folders]))
    with suppress(OSError):
        _memory().parent.mkdir(parents=True, exist_ok=True)
        part = _memory().with_suffix(f".{os.getpid()}")
        part.write_bytes(msgspec.json.encode(whole))
        part.replace(_memory())


def _memory() -> Path:
    return models_folder(data_folder(os.environ)) / "scanned.json"


def _in_place(place: Path, origin: Origin) -> Iterator[ModelRow]:
    try:
        found = {"Hugging Face": in_hub, "Ollama": in_ollama}.get(origin, _below)(place)
        for path, label in found:
            if _may_be_model(path):
                yield row_of(path, origin, label)
    except OSError as error:
        problem = Problem(
            "Not to be read", f"{error.filename or place}: {error.strerror}.", "Look as a user who may read it."
        )
        yield ModelRow(str(place), origin, problem=problem)


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.gguf")):
        if not gguf.is_further(path):
            yield path, ""


def _may_be_model(path: Path) -> bool:
    """A broken file may be one."""
    try:
        return gguf.is_model(gguf.beginning(path))
    except CannotLoad:
        return True
