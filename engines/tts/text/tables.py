"""TOML files that a person writes beside a document, read with an error that says what is wrong where."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from engines.contract import CannotPlan
from engines.tts.typed import path_of
from ipc.errors import Problem

_MOST_BYTES: Final = 4 * 2**20


def table(path: str, beside: Path, what: str) -> dict[str, Any]:
    """The table in a file; a path that is not absolute is looked up beside the document. `what` is for people.

    Raises:
        CannotPlan: it is not there, or is no TOML.
    """
    file = path_of(path)
    if not file.is_absolute():
        file = beside.parent / file
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # the latter where no file can have such a name
        why = error.strerror if isinstance(error, OSError) else error
        raise CannotPlan(
            Problem(f"No {what}", f"{file}: {why}.", f"Set {what} to a TOML file that is there, or to nothing.")
        ) from error
    if len(data) > _MOST_BYTES:
        raise refused(what, f"{file} has more than {_MOST_BYTES // 2**20} MiB.", "Leave out what no text has.")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeError) as error:
        raise refused(what, f"{file} is no TOML: {error}.", 'Write lines such as name = "value".') from error


def refused(what: str, detail: str, hint: str) -> CannotPlan:
    """An error over such a file."""
    return CannotPlan(Problem(f"Bad {what}", detail, hint))
