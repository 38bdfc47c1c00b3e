"""The table of tensors in a `model.bin`: what a model of CTranslate2 is made of, read without the library.

The form is that of `ctranslate2/specs/model_spec.py`: a version, the specification's name and revision, then for each
tensor its name, rank, dimensions, type and bytes; at the end the names that mean another tensor.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import BinaryIO, Final

from engines.contract import CannotLoad
from ipc.errors import Problem

SPECIFICATION: Final = "WhisperSpec"
_NEWEST: Final = 6
_MOST_TENSORS: Final = 100_000
_AGAIN: Final = "Fetch or convert the model again."


@dataclass(frozen=True)
class Tensor:
    """One of a model's, as the file has it."""

    shape: tuple[int, ...]
    size_bytes: int

    @property
    def count(self) -> int:
        """Numbers in it."""
        return prod(self.shape)


def tensors_of(path: Path) -> dict[str, Tensor]:
    """By name.

    Raises:
        CannotLoad: it is none of Whisper's, of a form that is not known, or cut short.
        OSError
    """
    told = path.stat()
    return _tensors(path, told.st_size, told.st_mtime_ns)


@lru_cache(maxsize=4)
def _tensors(path: Path, size: int, changed_ns: int) -> dict[str, Tensor]:
    with path.open("rb") as file:
        try:
            return _table(_Table(file, size), path)
        except (struct.error, UnicodeDecodeError, _Short) as error:
            raise CannotLoad(
                Problem("Model truncated", f"{path} is cut short or damaged: it has {size:,} bytes.", _AGAIN)
            ) from error


def _table(table: _Table, path: Path) -> dict[str, Tensor]:
    version = table.number("<I")
    if not 3 <= version <= _NEWEST:  # the specification's name has been there since 2
        raise _refused(path, "it is no model of CTranslate2, or of a form that this version does not know")
    if (name := table.text()) != SPECIFICATION:
        raise _refused(path, f"it holds a {name.removesuffix('Spec') or 'nameless'} model")
    table.number("<I")
    count = table.number("<I")
    if count > _MOST_TENSORS:
        raise _Short
    return dict(table.tensor() for _ in range(count))


class _Short(Exception):
    """The file ends before what it tells of."""


class _Table:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self._file.read(struct.calcsize(form)))
        return int(value)

    def text(self) -> str:
        return self._file.read(self.number("<H")).rstrip(b"\0").decode()

    def tensor(self) -> tuple[str, Tensor]:
        name = self.text()
        rank = self.number("<B")
        shape = tuple(self.number("<I") for _ in range(rank))
        self.number("<B")
        size = self.number("<I")
        if self._file.seek(size, 1) > self._size:
            raise _Short
        return name, Tensor(shape, size)


def _refused(path: Path, why: str) -> CannotLoad:
    return CannotLoad(
        Problem(
            "Not a Whisper model",
            f"{path}: {why}.",
            "Set model to Whisper in CTranslate2's form: a folder, or a name such as small.",
        )
    )
