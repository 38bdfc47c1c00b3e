"""Results too long for the store: one file for each attempt, kept until the job is cleared.

The name says unit and flight, so no attempt ever writes into another's file, and the store says which one counts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path


def folder_of(root: Path, job: int) -> Path:
    """Where a job's files are."""
    return root / str(job)


def file_of(root: Path, job: int, index: int, flight: int) -> Path:
    """The file that a unit may write in this flight."""
    return folder_of(root, job) / f"{index}-{flight}"


def prepare(root: Path, job: int) -> None:
    """Make the folder. Raises OSError."""
    folder_of(root, job).mkdir(parents=True, exist_ok=True, mode=0o700)


def prepare_all(root: Path, jobs: Iterable[int]) -> None:
    """Make their folders, as far as the disk lets us: one that is full now may have room when a unit needs it."""
    for job in jobs:
        with contextlib.suppress(OSError):
            prepare(root, job)


def sync_folder_of(file: Path) -> None:
    """Make a new name in the folder durable; a folder that somebody removed is made anew. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(root: Path, job: int, counting: Collection[str], latest: int) -> None:
    """Remove files of flights up to `latest` that no unit counts on; what is not ours or cannot be removed stays."""
    for file in [*folder_of(root, job).glob("*-*")]:
        flight = file.name.partition("-")[2]
        if file.name not in counting and flight.isdecimal() and int(flight) <= latest:
            with contextlib.suppress(OSError):
                file.unlink()


def sweep_others(root: Path, jobs: Collection[int]) -> None:
    """Remove folders of jobs that are no more, as far as that can be done."""
    for folder in [*root.glob("*")]:
        if folder.name.isdecimal() and int(folder.name) not in jobs:
            shutil.rmtree(folder, ignore_errors=True)


def remove(root: Path, job: int) -> None:
    """Remove all of a job's files, as far as that can be done."""
    shutil.rmtree(folder_of(root, job), ignore_errors=True)
