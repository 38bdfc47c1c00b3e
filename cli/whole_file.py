"""A file that the operator asked for: it appears whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from ipc.errors import Problem, RequestFailed


def put(path: Path, content: bytes) -> None:
    """Write it beside its place and rename it there, over what may be there already.

    Raises:
        RequestFailed: it cannot be written; whatever was there still is.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        detail = f"{path}: {error.strerror}."
        raise RequestFailed(Problem("Cannot write", detail, "Name another place.")) from error
