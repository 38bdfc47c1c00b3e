"""Paths that a person typed: a name that no file can have names nothing, and ends nothing."""

from __future__ import annotations

import os
from pathlib import Path


def path_of(typed: str) -> Path:
    """`~` is a home; it stays as it is written where there is no such person."""
    try:
        return Path(os.path.expanduser(typed))  # that of pathlib raises over people it does not know
    except ValueError:  # a NUL in a person's name
        return Path(typed)


def is_file(path: Path) -> bool:
    """Whether one can be seen there; a name that is too long or holds a NUL is none."""
    return os.path.isfile(path)  # that of pathlib raises over such names


def is_folder(path: Path) -> bool:
    """The same of a folder."""
    return os.path.isdir(path)
