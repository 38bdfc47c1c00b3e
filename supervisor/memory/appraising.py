"""Asks a kind, in a short-lived process of its own, what a load would take; remembers the answer while files stay."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import anyio
import msgspec
from anyio import to_thread

from engines.appraisal import Appraisal, Said
from engines.bootstrap import SETTINGS
from ipc.errors import Problem
from ipc.places import data_folder, models_folder
from ipc.snapshot import Scalar
from supervisor.process.spawn import ROOT
from supervisor.process.sweep import INSTANCE

LIMIT_SECONDS: Final = 60.0
"""Reading the header of a model on a slow disk takes a while; one that takes longer is placed without an estimate."""
LOOK_SECONDS: Final = 10.0
"""For the sizes and times of files."""
AT_ONCE: Final = 3
"""Each appraisal is a process that may bring in a model library."""
_MOST_BYTES: Final = 1 << 20
"""An answer has some kilobytes; a library that prints without end is cut off."""

_T = TypeVar("_T")
_Stamp: TypeAlias = tuple[str, int, int]


class Appraiser:
    """One per supervisor; `instance` marks the processes, so that a later supervisor can sweep them."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._turns = anyio.Semaphore(AT_ONCE)
        # Threads of their own: a disk that does not answer must not take those that the job store needs.
        self._threads = anyio.CapacityLimiter(2 * AT_ONCE)
        self._known: dict[tuple[str, str, bytes, tuple[_Stamp, ...]], Appraisal] = {}

    async def appraise(self, kind: str, python: str, settings: Mapping[str, Scalar]) -> Appraisal | Problem:
        """What these settings take, or why that cannot be told: the load itself will say more."""
        text = msgspec.json.encode(settings)
        try:
            async with self._turns:
                with anyio.fail_after(LOOK_SECONDS):
                    stamps = await self._in_thread(partial(_stamps, tuple(settings.values())))
                key = (kind, python, text, stamps)
                if key in self._known:
                    return self._known[key]
                said = await self._ask(kind, python, text)
        except TimeoutError:
            return _not_told("it took too long")
        if isinstance(said, Said) and said.appraisal is not None and said.appraisal.options:
            self._known[key] = said.appraisal
            return said.appraisal
        return said.problem or _not_told("it said nothing") if isinstance(said, Said) else _not_told(said)

    async def _ask(self, kind: str, python: str, settings: bytes) -> Said | str:
        """Raises TimeoutError."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "",
            SETTINGS: settings.decode(),
            INSTANCE: self._instance,
        }
        asked = _Asked([python, "-P", "-m", "engines.appraiser", kind], environment)
        try:
            with anyio.fail_after(LIMIT_SECONDS):
                return await self._in_thread(partial(asked.answer))
        finally:
            asked.end()  # a thread that nobody waits for must not keep the supervisor from ending

    async def _in_thread(self, do: partial[_T]) -> _T:
        return await to_thread.run_sync(do, abandon_on_cancel=True, limiter=self._threads)


class _Asked:
    """One such process, run in a thread and ended from anywhere, with all that it started."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()

    def answer(self) -> Said | str:
        """The last line that it prints, or why there is none."""
        try:
            self._process = process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            return str(error)
        if self._over.is_set():
            self.end()
        with process:
            assert process.stdout is not None
            said = process.stdout.read(_MOST_BYTES)
            self.end()
        try:
            return msgspec.json.decode(said.splitlines()[-1], type=Said)
        except (IndexError, msgspec.MsgspecError):
            return f"it ended with {process.returncode} and no answer"

    def end(self) -> None:
        """At once."""
        self._over.set()
        if self._process is not None:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _not_told(why: str) -> Problem:
    return Problem("Not appraised", f"What it takes could not be found out: {why}.", "")


def _stamps(values: tuple[Scalar, ...]) -> tuple[_Stamp, ...]:
    """Size and time of every file that the settings name, of all files in a folder that they name, and of the folders
    of what was made on this box."""
    found: list[_Stamp] = []
    with suppress(OSError):
        made = sorted(models_folder(data_folder(os.environ)).iterdir())
        found += [(str(folder), 0, folder.stat().st_mtime_ns) for folder in made]
    for value in values:
        if isinstance(value, str) and value.startswith(("/", "~")):
            # A home folder of nobody, or a zero byte, is no path: the load will say so.
            with suppress(OSError, RuntimeError, ValueError):
                path = Path(value).expanduser()
                files = sorted(path.iterdir()) if path.is_dir() else [path]
                found += [(str(file), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]]
    return tuple(found)
