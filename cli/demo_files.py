"""What demos wrote into a folder: those files are replaced by the next one, and nobody else's are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ipc.errors import Problem, RequestFailed

_LIST = "demo-files"
"""In the state folder of the demo: the names, one a line."""


def make_way(state: Path, files: Iterable[Path]) -> None:
    """Remove what an earlier demo wrote at these places, and note that this one will write there.

    Raises:
        RequestFailed: something there is not a demo's, and nothing was removed; or the note cannot be written.
    """
    listed, wanted = state / _LIST, list(files)
    try:
        known = set(listed.read_text().splitlines()) if listed.exists() else set()
        for path in wanted:
            if path.name not in known and (path.exists() or path.is_symlink()):
                detail = f"{path} is there, and no demo wrote it."
                raise RequestFailed(Problem("Output exists", detail, "Move it away, or name another folder with -o."))
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        listed.write_text("".join(f"{name}\n" for name in sorted(known | {path.name for path in wanted})))
        for path in wanted:
            path.unlink(missing_ok=True)
    except OSError as error:
        detail = f"{error.filename}: {error.strerror}."
        raise RequestFailed(Problem("Cannot write", detail, "Name another folder with -o.")) from error
