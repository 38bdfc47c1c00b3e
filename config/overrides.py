"""Settings changed at run time: `set.json` in the state folder, read at start and replaced whole at each change."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from config.errors import BadConfig
from ipc.errors import Problem
from ipc.snapshot import Scalar

Overrides: TypeAlias = dict[str, dict[str, Scalar]]
"""By engine, then by setting."""


class _Stored(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int = 1
    engines: Overrides


def read_overrides(path: Path) -> Overrides:
    """What was set; nothing when the file is missing.

    Raises:
        BadConfig: the file cannot be read or is not what `remember` writes.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Stored).engines
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise BadConfig(
            Problem(
                "Settings unreadable",
                f"{path}, which holds what was set at run time, cannot be read: {error}.",
                "Mend it, or move it away: every engine then starts as the configuration file says.",
            )
        ) from error


def remember(path: Path, engine: str, changes: Mapping[str, Scalar]) -> None:
    """Make `changes` part of what was set for `engine`; on disk when it returns.

    Raises:
        BadConfig: the present file cannot be read.
        OSError: it cannot be written; the present file is as it was.
    """
    engines = read_overrides(path)
    engines[engine] = {**engines.get(engine, {}), **changes}
    _write(path, engines)


def forget(path: Path, engine: str, names: Iterable[str]) -> None:
    """Take settings of `engine` out again, so that the configuration file counts; raises as `remember` does."""
    engines = read_overrides(path)
    gone = set(names)
    kept = {name: value for name, value in engines.pop(engine, {}).items() if name not in gone}
    _write(path, {**engines, engine: kept} if kept else engines)


def _write(path: Path, engines: Overrides) -> None:
    """A new file, synced and renamed over the old one: a crash leaves one of them whole."""
    text = msgspec.json.format(msgspec.json.encode(_Stored(engines=engines)), indent=2) + b"\n"
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
