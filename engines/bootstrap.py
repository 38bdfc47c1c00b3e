"""The first moments of a child: die with the supervisor, show stacks when asked, take over the link's descriptor.

Imports the standard library's cheapest parts only, so that nothing slow happens before the death signal is set.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import os
import signal
import sys
from enum import IntEnum
from typing import NamedTuple, NoReturn

DESCRIPTOR = "ENGINEROOM_FD"
PARENT = "ENGINEROOM_PARENT"
SETTINGS = "ENGINEROOM_SETTINGS"
ENGINE = "ENGINEROOM_ENGINE"

_PR_SET_PDEATHSIG = 1
_IOLBF = 1


class Exit(IntEnum):
    """How a child ends when it ends by itself."""

    LEFT = 0
    """Asked to leave, by `Leave`."""
    DIED = 1
    """Of its own fault: `Dying` was said and the traceback is on stderr."""
    USAGE = 2
    """Not spawned as a child is."""
    OUT_OF_MEMORY = 70
    """Host or GPU memory did not suffice for a flight; `Dying` was said."""
    ORPHANED = 71
    """The supervisor is gone."""
    TERMINATED = 128 + signal.SIGTERM
    """Left in order because of a SIGTERM, reported as a shell does: the supervisor knows whether it sent it."""


class Origin(NamedTuple):
    """What the supervisor gave this child: the kind on the command line, the rest in the environment."""

    kind: str
    engine: str
    descriptor: int


def begin() -> Origin:
    """Call it once, in the main thread, before anything slow is imported.

    Leaves the process when it was not spawned by a supervisor, or when that is gone already.
    """
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _print_each_line_at_once()
    try:
        (kind,) = sys.argv[1:]
        # Both would mislead a grandchild, which has neither that descriptor nor that parent.
        parent, descriptor = int(os.environ.pop(PARENT)), int(os.environ.pop(DESCRIPTOR))
    except (KeyError, ValueError):
        sys.stderr.write("This is spawned by the supervisor; `engineroom start NAME` starts an engine.\n")
        leave(Exit.USAGE)
    die_with(parent)
    os.set_inheritable(descriptor, False)
    return Origin(kind, os.environ.get(ENGINE, kind), descriptor)


def leave(code: Exit) -> NoReturn:
    """End now: the model's thread may be stuck in native code, and an orderly interpreter exit would wait for it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the reader of the pipe is gone
            stream.flush()
    os._exit(code)


def _print_each_line_at_once() -> None:
    """What is printed into a pipe would otherwise wait in Python's buffer or C's, and be lost with the process."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, _IOLBF, 0)


def die_with(parent: int) -> None:
    """SIGKILL by the kernel when the parent ends; elsewhere than on Linux the end of the link has to suffice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before the signal was set
        leave(Exit.ORPHANED)
