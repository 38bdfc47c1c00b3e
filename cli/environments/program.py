"""A program run to its end: its output goes to the log and to whoever listens, and the last of it is kept."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TextIO

_KEPT_LINES: Final = 400
"""Of the output, to find out what went wrong."""
_BEHIND: Final = ("nice", "-n", "10")
_PASSWORD: Final = re.compile(r"//[^/\s]+@")
"""In the URL of a package index; it may hold an @ itself."""


def masked(text: str) -> str:
    """A text that people may read, without the passwords in its URLs."""
    return _PASSWORD.sub("//****@", text)


@dataclass(frozen=True)
class Output:
    """How it ended, and its last lines."""

    code: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Programs:
    """Runs programs for one sync: their output goes to `log`, and each holds the lock `descriptor` until it ends."""

    environ: Mapping[str, str]
    log: TextIO
    descriptor: int

    def run(
        self,
        command: Sequence[str],
        *,
        more: Mapping[str, str] | None = None,
        hears: Callable[[str], None] = lambda line: None,
        seconds: float | None = None,
        behind: bool = False,
    ) -> Output:
        """To its end, or its kill after so many seconds; `more` is added to the environment. With `behind`, engines
        that work go before it. Raises OSError where it cannot be started."""
        self.log.write(f"$ {masked(' '.join(command))}\n")
        last: deque[str] = deque(maxlen=_KEPT_LINES)
        process = subprocess.Popen(
            [*(_BEHIND if behind and shutil.which("nice") else ()), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self.environ, **(more or {})},
            pass_fds=(self.descriptor,),
            start_new_session=True,  # Ctrl-C is ours to pass on: the whole tree ends, and what was begun is cleared
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        limit = threading.Timer(seconds, _kill, (process.pid,)) if seconds else None
        if limit is not None:
            limit.start()
        try:
            assert process.stdout is not None
            with process.stdout as lines:
                for line in map(masked, lines):
                    self.log.write(line)
                    last.append(line.rstrip())
                    hears(last[-1])
            return Output(process.wait(), tuple(last))
        finally:
            if limit is not None:
                limit.cancel()
            _kill(process.pid)
            process.wait()
            self.log.flush()


def _kill(group: int) -> None:
    with suppress(OSError):
        os.killpg(group, signal.SIGKILL)
