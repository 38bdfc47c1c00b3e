"""`python -m supervisor.keeper --state DIR [--adopt PID] -- COMMAND…`: starts the supervisor again after a crash.

Tiny on purpose: it imports nothing that could fail, holds no state, and any of the two may be killed at any moment.
It ends when the supervisor ends by its own will (exit 0) or refuses to start (exit 3).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

ENDED = (0, 3)
FIRST_DELAY_SECONDS = 0.1
LAST_DELAY_SECONDS = 5.0
WELL_AFTER_SECONDS = 10.0
"""A supervisor that lived this long was well: after its crash the next one starts at once."""


def main(arguments: list[str]) -> int:
    """Keep the supervisor of `--state` alive; returns its last exit code."""
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    state = Path(options[options.index("--state") + 1])
    (state / "keeper.pid").write_text(str(os.getpid()))
    if "--adopt" in options and _ended_well(state, int(options[options.index("--adopt") + 1])):
        return 0
    return _keep(command)


def _ended_well(state: Path, pid: int) -> bool:
    """Wait for a supervisor that is not our child; its exit code is not ours to see, but a crash leaves its socket."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        select.select([descriptor], [], [])
        os.close(descriptor)
    return not (state / "socket").exists()


def _keep(command: list[str]) -> int:
    delays = _delays()
    environment = {**os.environ, "ENGINEROOM_KEEPER": str(os.getpid())}
    while True:
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, partial(_forward, process))
        code = process.wait()
        if code in ENDED:
            return code
        sys.stderr.write(f"The supervisor (pid {process.pid}) ended with {code}; starting it again.\n")
        sys.stderr.flush()
        if time.monotonic() - began > WELL_AFTER_SECONDS:
            delays = _delays()
        time.sleep(next(delays))


def _forward(process: subprocess.Popen[bytes], signum: int, _: object) -> None:
    process.send_signal(signum)


def _delays() -> Iterator[float]:
    """At once, then ever later."""
    yield 0.0
    delay = FIRST_DELAY_SECONDS
    while True:
        yield delay
        delay = min(LAST_DELAY_SECONDS, 2 * delay)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
