"""The ids of a .npy file, in a JSON file beside it: vector i of `vectors.npy` is of `ids[i]` in `vectors.npy.ids.json`.

It carries the job's id, because a job may only replace what it wrote itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from engines.contract import CannotAssemble
from ipc.errors import Problem


def output_of(part: Path) -> Path:
    """What a part file (`.vectors.npy.JOB.part`) will be called."""
    return part.with_name(_named(part)[0])


def beside(output: Path) -> Path:
    """Where the ids of an output lie."""
    return output.with_name(f"{output.name}.ids.json")


class Beside:
    """Written while the vectors are, and placed before them: an output that is in its place has its ids."""

    def __init__(self, part: Path) -> None:
        name, self._job = _named(part)
        self._path = beside(part.with_name(name))
        self._names: list[str] = []
        self._check()

    def add(self, names: Iterable[str]) -> None:
        """The next ones."""
        self._names += names

    def place(self) -> None:
        """Bring them to the disk, in one stroke.

        Raises:
            CannotAssemble: a file that is none of this job's lies there. OSError
        """
        self._check()
        part = self._path.with_name(f".{self._path.name}.{self._job}.part")
        with part.open("w", encoding="utf-8") as file:
            json.dump({"job": self._job, "ids": self._names}, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)

    def _check(self) -> None:
        try:
            with self._path.open("rb") as file:
                begin = file.read(len(self._mark()))
        except FileNotFoundError:
            return
        if begin != self._mark():
            raise CannotAssemble(
                Problem("Output exists", f"{self._path} was made by somebody else.", "Move it away."), retry=True
            )

    def _mark(self) -> bytes:
        return json.dumps({"job": self._job}, ensure_ascii=False).encode().removesuffix(b"}") + b","


def _named(part: Path) -> tuple[str, str]:
    """The output's name, and the job's id, which holds no dot."""
    name, _, job = part.name.removeprefix(".").removesuffix(".part").rpartition(".")
    return name, job
