"""Which file a setting means: `model` names a file or a folder, `quantization` a level of the same model."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from engines.contract import CannotLoad
from engines.identity import identity_of
from engines.llm import gguf, header
from engines.llm.header import Header
from engines.llm.levels import rank
from engines.llm.settings import MINIATURE, LlmSettings
from ipc.errors import Problem

_log = logging.getLogger(__name__)
_LEVEL_IN_NAME = re.compile(
    r"(?:[-_.](?:UD-)?(?:I?Q\d\w*|TQ\d\w*|MXFP4\w*|NVFP4|BF16|F16|F32|FP16|FP32))?(?:-\d{5}-of-\d{5})?$", re.IGNORECASE
)
Whose: TypeAlias = tuple[str, str, int, int]
"""Architecture, name, number of blocks and width: what files of one model have in common."""


class NoFileAt(CannotLoad):
    """There are `files` of the model, the best first, and none is at the level asked for."""

    def __init__(self, problem: Problem, files: tuple[ModelFile, ...]) -> None:
        super().__init__(problem)
        self.files = files


@dataclass(frozen=True)
class ModelFile:
    """A model at one level: its file, or the first of its shards."""

    path: Path
    header: Header

    @property
    def fineness(self) -> tuple[int, int]:
        """The greater, the better: by level, then by size."""
        return rank(self.header.level), self.header.weight_bytes

    def file_bytes(self) -> int:
        """On the disk, all shards together."""
        return sum(shard.stat().st_size for shard in gguf.shards(self.path))

    def identity(self) -> str:
        """Of all its shards: a replaced file is another model."""
        return identity_of(gguf.shards(self.path))


def found(settings: LlmSettings) -> tuple[ModelFile, ...]:
    """The files that the settings leave open, the best first; a named file is alone.

    Raises:
        NoFileAt: there are files, and none at the level asked for.
        CannotLoad: there is none, it is broken, or a folder holds several models.
    """
    path, level = path_of(settings), settings.quantization
    if os.path.isdir(path):  # says no where a folder above may not be looked into
        files = _only_model(path)
    else:
        own = ModelFile(path, header.read(path))
        if level in ("auto", own.header.level):
            return (own,)
        files = (own, *siblings(own))
    fitting = tuple(one for one in files if level in ("auto", one.header.level))
    if not fitting:
        raise _none_at(level, files)
    return fitting


def chosen(settings: LlmSettings) -> ModelFile:
    """The best of them.

    Raises:
        CannotLoad: as `found`.
    """
    return found(settings)[0]


def siblings(of: ModelFile) -> tuple[ModelFile, ...]:
    """Further files of the same model in its folder, the best first; broken ones are passed over."""
    wanted = _whose(of.path)
    paths = [path for path in _files_in(of.path.parent) if path != of.path and _is(path, wanted)]
    return _best_first(paths)


def path_of(settings: LlmSettings) -> Path:
    """The file or folder that `model` names; `~` is the home folder."""
    if settings.model == MINIATURE:
        return Path(__file__).with_name("miniature") / "miniature-f16.gguf"
    return Path(settings.model).expanduser()


def _only_model(folder: Path) -> tuple[ModelFile, ...]:
    by_model: dict[Whose, list[Path]] = {}
    broken: CannotLoad | None = None
    for path in _files_in(folder):
        try:
            whose = _whose(path)
        except CannotLoad as error:
            broken = broken or error
        else:
            if whose is not None:
                by_model.setdefault(whose, []).append(path)
    if len(by_model) > 1:
        names = ", ".join(paths[0].name for paths in by_model.values())
        raise CannotLoad(
            Problem("Several models", f"{folder} holds several: {names}.", "Set `model` to one of its files.")
        )
    paths = [path for paths in by_model.values() for path in paths]
    if not paths:
        raise broken or CannotLoad(
            Problem("Model missing", f"{folder} holds no GGUF file of a model.", "Set `model` to a GGUF file.")
        )
    return _best_first(paths) or (ModelFile(paths[0], header.read(paths[0])),)  # the one that says what is broken


def _best_first(paths: list[Path]) -> tuple[ModelFile, ...]:
    files = []
    for path in paths:
        try:
            files.append(ModelFile(path, header.read(path)))
        except CannotLoad as error:
            _log.warning("%s is passed over: %s", path.name, error)
    return tuple(sorted(files, key=lambda file: file.fineness, reverse=True))


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.gguf")):
        if not gguf.is_further(path):
            yield path


def _is(path: Path, wanted: Whose | None) -> bool:
    try:
        return wanted is not None and _whose(path) == wanted
    except CannotLoad:
        return False


def _whose(path: Path) -> Whose | None:
    """None for what only belongs to a model."""
    values = gguf.beginning(path)
    architecture = str(values.get("general.architecture", ""))
    if not gguf.is_model(values):
        return None
    blocks, width = (values.get(f"{architecture}.{name}", 0) for name in ("block_count", "embedding_length"))
    name = str(values.get("general.name") or _LEVEL_IN_NAME.sub("", path.stem))
    return architecture, name, blocks if isinstance(blocks, int) else 0, width if isinstance(width, int) else 0


def _none_at(level: str, files: tuple[ModelFile, ...]) -> NoFileAt:
    there = ", ".join(f"{one.path.name} ({one.header.level})" for one in files)
    return NoFileAt(
        Problem(
            f"No file at {level}",
            f"Of this model there is {there}.",
            f"Put its {level} file beside it, or set `quantization` to `auto`.",
        ),
        tuple(sorted(files, key=lambda file: file.fineness, reverse=True)),
    )
