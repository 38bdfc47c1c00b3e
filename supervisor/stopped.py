"""Which engines the operator stopped, kept across a crash of the supervisor: `stopped.json` in the state folder."""

from __future__ import annotations

from pathlib import Path

import msgspec


def read_stopped(state_folder: Path) -> frozenset[str]:
    """The names; none where the file is missing or unreadable, because starting an engine loses nothing."""
    try:
        return frozenset(msgspec.json.decode((state_folder / "stopped.json").read_bytes(), type=list[str]))
    except (OSError, msgspec.MsgspecError):
        return frozenset()


def remember_stopped(state_folder: Path, engine: str, *, stopped: bool) -> None:
    """Keep or forget that the operator stopped `engine`; a file that cannot be written only forgets more."""
    known = read_stopped(state_folder)
    names = known | {engine} if stopped else known - {engine}
    if names == known:
        return
    new = state_folder / "stopped.json.new"
    try:
        new.write_bytes(msgspec.json.encode(sorted(names)))
        new.replace(state_folder / "stopped.json")
    except OSError:
        return
