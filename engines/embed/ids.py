"""The ids of a .npy file, in a JSON file beside it: vector i of `vectors.npy` is of `ids[i]` in `vectors.npy.ids.json`.

It carries the job's id, because a job may only replace what it wrote itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from engines.beside import Marked
from engines.partfile import job_of, output_of


def beside(output: Path) -> Path:
    """Where the ids of an output lie."""
    return output.with_name(f"{output.name}.ids.json")


class Ids:
    """Written while the vectors are, and placed before them: an output that is in its place has its ids."""

    def __init__(self, part: Path) -> None:
        """Raises CannotAssemble: a file that is none of this job's lies where they belong. OSError"""
        self._job = job_of(part)
        mark = json.dumps({"job": self._job}, ensure_ascii=False).removesuffix("}") + ","
        self._file = Marked(part, beside(output_of(part)), mark)
        self._names: list[str] = []

    def add(self, names: Iterable[str]) -> None:
        """The next ones."""
        self._names += names

    def place(self) -> None:
        """Bring them to the disk, in one stroke.

        Raises:
            CannotAssemble: a file that is none of this job's lies there. OSError
        """
        self._file.place(json.JSONEncoder(ensure_ascii=False).iterencode({"job": self._job, "ids": self._names}))
