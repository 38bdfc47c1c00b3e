"""Asks a kind, in a short-lived process of its own, what a load would take; remembers the answer while files stay."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import anyio
import msgspec
from anyio import to_thread

from engines.appraisal import Appraisal, Said
from ipc.errors import Problem
from ipc.snapshot import Scalar
from supervisor.process.spawn import ROOT

LIMIT_SECONDS = 60.0
"""Reading the header of a model on a slow disk takes a while; one that takes longer is placed without an estimate."""

AT_ONCE = 3
"""Each appraisal is a process that may bring in a model library."""

_Stamp: TypeAlias = tuple[str, int, int]


class Appraiser:
    """One per supervisor; `instance` marks the processes, so that a later supervisor can sweep them."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._turns = anyio.Semaphore(AT_ONCE)
        self._known: dict[tuple[str, str, bytes, tuple[_Stamp, ...]], Appraisal] = {}

    async def appraise(self, kind: str, python: str, settings: Mapping[str, Scalar]) -> Appraisal | Problem:
        """What these settings take, or why that cannot be told: the load itself will say more."""
        text = msgspec.json.encode(settings)
        stamps = await to_thread.run_sync(_stamps, tuple(settings.values()), abandon_on_cancel=True)
        key = (kind, python, text, stamps)
        if key not in self._known:
            async with self._turns:
                said = await self._ask(kind, python, text)
            if said.appraisal is None:
                return said.problem or Problem("Not appraised", "It said nothing.", "")
            self._known[key] = said.appraisal
        return self._known[key]

    async def _ask(self, kind: str, python: str, settings: bytes) -> Said:
        command = [python, "-P", "-m", "engines.appraiser", kind]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ENGINEROOM_SETTINGS": settings.decode(),
            "ENGINEROOM_INSTANCE": self._instance,
            "CUDA_VISIBLE_DEVICES": "",
        }
        try:
            with anyio.fail_after(LIMIT_SECONDS):
                done = await anyio.run_process(
                    command, stdin=subprocess.DEVNULL, env=environment, check=False, start_new_session=True
                )
            return msgspec.json.decode(done.stdout.splitlines()[-1], type=Said)
        except (OSError, TimeoutError, IndexError, msgspec.MsgspecError) as error:
            what = str(error) or type(error).__name__
            return Said(None, Problem("Not appraised", f"What it takes could not be found out: {what}.", ""))


def _stamps(values: tuple[Scalar, ...]) -> tuple[_Stamp, ...]:
    """Size and time of every file that the settings name, and of all files in a folder that they name."""
    found: list[_Stamp] = []
    for value in values:
        if isinstance(value, str) and value.startswith(("/", "~")):
            path = Path(value).expanduser()
            try:
                files = sorted(path.iterdir()) if path.is_dir() else [path]
                found += [(str(file), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]]
            except OSError:
                continue
    return tuple(found)
