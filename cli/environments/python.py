"""The Python of a new environment, and the pip that fills it: ours where we have one, else one that is put into it."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from engines.environments.record import python_of

_KNOWS_OTHERS: Final = (22, 3)
"""Since this version pip can work on another environment than its own."""


def venv_command(folder: Path) -> list[str]:
    """Makes the environment; to put a pip into it takes seconds, most of what a small one takes."""
    return [sys.executable, "-m", "venv", *(("--without-pip",) if _have_pip() else ()), str(folder)]


def pip_command(folder: Path) -> list[str]:
    """The pip that works on that environment."""
    python = str(python_of(folder))
    return [sys.executable, "-m", "pip", "--python", python] if _have_pip() else [python, "-m", "pip"]


@cache
def _have_pip() -> bool:
    try:
        major, minor = import_module("pip").__version__.split(".")[:2]
        return (int(major), int(minor)) >= _KNOWS_OTHERS
    except (ImportError, ValueError):
        return False
