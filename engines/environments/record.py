"""What is written down about an environment once it is whole, and what of that is found in the data folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from engines.environments.requirements import Device

RECORD: Final = "environment.json"
"""Written last, in one stroke: a folder without it is not whole."""
BUILT: Final = "built"
"""The folder in it that keeps what was compiled, for the next environment."""

WITHOUT_CUDA: Final = "this torch is one without CUDA"
"""What a self-test says where the wrong build of torch was installed: no driver could help."""


class SelfTest(Struct, frozen=True):
    """What a process of the environment found out about itself.

    `device` is where it really computed, empty where it did not compute; `text` says so in a sentence. `foreign` tells
    how its build differs from one made for this CPU, or is empty. It may succeed `later` where only memory was short.
    """

    ok: bool
    device: Literal["cpu", "cuda", ""]
    text: str
    foreign: str = ""
    later: bool = False


class Environment(Struct, frozen=True):
    """A whole one: made from `requirements` (their digest) for this `device`, `platform` and `python`.

    `build` is the key of what was compiled, empty where nothing was; that needs all of `instructions` of a CPU and, on
    cuda, a GPU of one of `capabilities` or later. `origin` says where it came from.
    """

    kind: str
    device: Device
    requirements: str
    build: str
    instructions: tuple[str, ...]
    capabilities: tuple[str, ...]
    platform: str
    python: str
    origin: str
    made_unix: float
    made_seconds: float
    tested_unix: float
    test: SelfTest


@dataclass(frozen=True)
class Stored:
    """A folder of the data folder; `environment` is None where it was begun and never became whole."""

    folder: Path
    environment: Environment | None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return python_of(self.folder)


def python_of(folder: Path) -> Path:
    """The interpreter of the environment in that folder."""
    return folder / "bin" / "python"


def stored(environments: Path) -> tuple[Stored, ...]:
    """Every environment there, by name; cheap: one small file each."""
    return tuple(sorted(_found(environments), key=lambda one: one.name))


def read_record(folder: Path) -> Environment | None:
    """What is written about the environment in that folder; None where it is not whole, or its Python is gone."""
    try:
        environment = msgspec.json.decode((folder / RECORD).read_bytes(), type=Environment)
    except (OSError, msgspec.MsgspecError):
        return None
    return environment if os.access(python_of(folder), os.X_OK) else None


def _found(environments: Path) -> Iterator[Stored]:
    with suppress(OSError), os.scandir(environments) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield Stored(Path(entry.path), read_record(Path(entry.path)))
