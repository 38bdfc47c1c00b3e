"""Settings changed at run time: `set.json` in the state folder, read at start and replaced whole at each change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from config.durable import replace_whole
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


def remember(path: Path, engine: str, changes: Mapping[str, Scalar], unset: Collection[str] = ()) -> None:
    """Make `changes` part of what was set for `engine`, and take the settings `unset` out again, so that the
    configuration file counts. Blocks until it is on disk; two at once would lose one of them.

    Raises:
        BadConfig: the present file cannot be read.
        OSError: it cannot be written; the present file is as it was.
    """
    engines = read_overrides(path)
    told = {**engines.pop(engine, {}), **changes}
    if kept := {name: value for name, value in told.items() if name not in unset}:
        engines[engine] = kept
    replace_whole(path, msgspec.json.format(msgspec.json.encode(_Stored(engines=engines)), indent=2) + b"\n")
