"""A gzip tar that stands under its name only when it is whole, and never in the place of another file."""

from __future__ import annotations

import os
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile

from ipc.errors import Problem, RequestFailed

IN_MEMORY_BYTES = 8 * 2**20
"""Of one member; a longer one waits on disk until its size is known."""


@dataclass(frozen=True)
class Archive:
    """One that is being written; all its members lie in `folder`."""

    tar: tarfile.TarFile
    folder: str

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[str], None]]:
        """A function that adds text to the member `name`."""
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
            yield lambda text: _write(body, text)
            entry = tarfile.TarInfo(f"{self.folder}/{name}")
            entry.size, entry.mtime = body.tell(), int(time.time())
            body.seek(0)
            self.tar.addfile(entry, body)


@contextmanager
def archive(target: Path, folder: str) -> Iterator[Archive]:
    """Stands at `target` once the block has ended well; otherwise nothing does.

    Raises:
        RequestFailed: there is a file of that name, or none can be written.
    """
    if target.exists():
        raise _exists(target)
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.") as file:
            with tarfile.open(fileobj=file, mode="w:gz") as tar:
                yield Archive(tar, folder)
            file.flush()
            # A link, unlike a rename, fails where somebody was quicker.
            os.link(file.name, target)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        what = f"{target} cannot be written: {error.strerror or error}."
        raise RequestFailed(Problem("Cannot write", what, "Name another place with -o FILE.")) from error


def _write(body: SpooledTemporaryFile[bytes], text: str) -> None:
    body.write(text.encode())


def _exists(target: Path) -> RequestFailed:
    return RequestFailed(
        Problem("File exists", f"{target} is there already, and stays as it is.", "Name another file with -o FILE.")
    )
