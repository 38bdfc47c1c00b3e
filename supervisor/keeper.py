"""`python -m supervisor.keeper --state DIR [--adopt PID] -- COMMAND…`: starts the supervisor again after a crash.

Tiny on purpose: it imports nothing of ours and keeps no state, so that either of the two may be killed at any moment.
It ends when the supervisor ends by its own will (exit 0) or refuses to start (exit 3), and passes SIGTERM on. With
`--adopt` the first supervisor is one that already runs, whose former keeper is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Iterator

REFUSED = 3
ENDED = (0, REFUSED)
NOT_STARTED = 127
FIRST_DELAY_SECONDS = 0.1
LAST_DELAY_SECONDS = 5.0
WELL_AFTER_SECONDS = 10.0
"""A supervisor that lived this long was well: after its crash the next one starts at once."""


class Signals:
    """What arrived while we waited. Nothing happens inside a handler."""

    def __init__(self) -> None:
        self._came, wake = os.pipe()
        for end in (self._came, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float | None, *others: int) -> bool:
        """Until a signal, the time, or one of the other descriptors; whether it is time to stop."""
        readable, _, _ = select.select([self._came, *others], [], [], seconds)
        came = os.read(self._came, 64) if self._came in readable else b""
        return signal.SIGTERM in came or signal.SIGINT in came


class Keeper:
    """Keeps one supervisor after the other, until one ends well or we are told to stop."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._environment = {**os.environ, "ENGINEROOM_KEEPER": str(os.getpid())}
        self._signals = Signals()
        self._stopping = False

    def keep(self, first: int | None) -> int:
        """Returns the exit code of the last; `first` is the pid of one to adopt."""
        delays = _delays()
        while True:
            began = time.monotonic()
            pid, code = self._adopt(first) if first is not None else self._start()
            if code in ENDED or self._stopping:
                return code
            if time.monotonic() - began > WELL_AFTER_SECONDS:
                delays = _delays()
            how = "ended out of order" if first is not None else _how(code)
            delay, first = next(delays), None
            _say(f"The supervisor (pid {pid}) {how}; it starts again in {delay:g} s.")
            if self._signals.wait(delay):
                return 0

    def _start(self) -> tuple[int, int]:
        try:
            pid = os.posix_spawn(self._command[0], self._command, self._environment)
        except OSError as error:
            _say(f"{self._command[0]} cannot be started: {error.strerror}.")
            return 0, NOT_STARTED
        ended, status = os.waitpid(pid, os.WNOHANG)
        while not ended:
            self._pass_on(self._signals.wait(None), pid)
            ended, status = os.waitpid(pid, os.WNOHANG)
        return pid, os.waitstatus_to_exitcode(status)

    def _adopt(self, pid: int) -> tuple[int, int]:
        """Its exit code is not ours to see, but only an orderly end takes the socket away."""
        try:
            life = os.pidfd_open(pid)
        except ProcessLookupError:
            life = None
        while life is not None and not select.select([life], [], [], 0)[0]:
            self._pass_on(self._signals.wait(None, life), pid)
        return pid, 1 if os.path.exists("socket") else 0

    def _pass_on(self, stop: bool, pid: int) -> None:
        if stop:
            self._stopping = True
            with contextlib.suppress(ProcessLookupError):  # an adopted one may just have gone
                os.kill(pid, signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """Keep the supervisor of `--state` alive; returns its last exit code, or 3 when another keeper does."""
    split = arguments.index("--")
    options = dict(zip(arguments[:split:2], arguments[1:split:2], strict=True))
    os.chdir(options["--state"])
    pid_file = os.open("keeper.pid", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(pid_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say(f"The keeper with pid {os.read(pid_file, 20).decode()} keeps {options['--state']} already.")
        return REFUSED
    keeper, adopted = Keeper(arguments[split + 1 :]), options.get("--adopt")
    os.truncate(pid_file, 0)
    os.write(pid_file, str(os.getpid()).encode())
    code = keeper.keep(None if adopted is None else int(adopted))
    os.truncate(pid_file, 0)
    return code


def _delays() -> Iterator[float]:
    """At once, then ever later."""
    yield 0.0
    delay = FIRST_DELAY_SECONDS
    while True:
        yield delay
        delay = min(LAST_DELAY_SECONDS, 2 * delay)


def _how(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"ended with signal {-code}"


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk takes the log, and must not take the keeper
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
