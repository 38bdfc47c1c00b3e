"""The bad habits themselves: what an engine can do to those who depend on it."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import NoReturn

from engines.contract import OutOfMemory
from engines.fake.settings import FakeSettings
from ipc.errors import Problem

_LINE = "the fake engine says a long line about nothing at all, again and again\n"
_STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
time.sleep(3600)
"""


def before_handshake(settings: FakeSettings) -> None:
    """Runs in the main thread, where only signals can be ignored."""
    if settings.ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if settings.fork_child:
        subprocess.Popen([sys.executable, "-c", _STUBBORN])
    sys.stderr.write((_LINE * (settings.stderr_bytes // len(_LINE) + 1))[: settings.stderr_bytes])
    if settings.crash_at_start:
        crash("crash_at_start")
    time.sleep(settings.start_seconds)
    if settings.silent:
        forever()


def in_a_unit(habit: str | None) -> None:
    """What the habit of a unit does while the unit is worked on; `fail` and `slow` are not the process's affair.

    Raises:
        OutOfMemory
    """
    match habit:
        case "crash":
            crash("a unit")
        case "exit0":
            os._exit(0)
        case "segfault":
            ctypes.string_at(0)
        case "hang":
            forever()
        case "hold_gil":
            # Takes longer than the universe lasts, and the matcher never lets another thread run.
            re.match(r"(a+)+$", "a" * 64 + "b")
        case "oom":
            raise OutOfMemory(Problem("Out of memory", "The unit asked for it.", "Use smaller settings."))
        case _:
            pass


def crash(because: str) -> NoReturn:
    """End as a program with a mistake does."""
    sys.stderr.write(f"crash, as told by {because}\n")
    sys.stderr.flush()
    os._exit(1)


def forever() -> NoReturn:
    """Wait with the interpreter free and no step of progress."""
    while True:
        threading.Event().wait()
