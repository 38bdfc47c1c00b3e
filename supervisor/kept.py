"""The supervisor looks after its keeper, as the keeper does after the supervisor."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

KEEPER = "ENGINEROOM_KEEPER"
"""Says who starts this supervisor again after a crash: the pid of our keeper, `systemd`, or nothing."""

PAUSE_SECONDS = 1.0
"""Before another keeper is started, in case something kills them as they come."""


async def look_after_keeper(state: Path, tell: Callable[[str], None]) -> None:
    """Start another keeper, which adopts this supervisor, whenever ours has died; `tell` hears so in a sentence.

    Returns at once where a keeper is not ours to start: under systemd, by hand, or without pidfd.
    """
    mine: subprocess.Popen[bytes] | None = None
    while (keeper := os.environ.get(KEEPER, "")).isdigit():
        try:
            life = os.pidfd_open(int(keeper))
        except ProcessLookupError:
            pass
        except (AttributeError, OSError):
            return
        else:
            try:
                await anyio.wait_readable(life)
            finally:
                os.close(life)
        if mine is not None:
            mine.wait()
        await anyio.sleep(PAUSE_SECONDS)
        mine = _start(state)
        os.environ[KEEPER] = str(mine.pid)
        tell(f"the keeper (pid {keeper}) was gone; pid {mine.pid} has taken its place")


def _start(state: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "supervisor.keeper", "--state", str(state), "--adopt", str(os.getpid())),
            *("--", sys.executable, *sys.orig_argv[1:]),
        ],
        stdin=subprocess.DEVNULL,
        cwd=state,
        start_new_session=True,
    )
