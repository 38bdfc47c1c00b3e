"""What this host offers to supervision, probed without changing anything, and what each lack costs."""

from __future__ import annotations

import ctypes
import fcntl
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct


class Capability(Struct, frozen=True):
    """One thing that may be there or not. `cost` is what its lack costs, `hint` how to get it; both sentences."""

    name: str
    present: bool
    cost: str
    hint: str


def has_uvloop() -> bool:
    """Whether the faster event loop is installed."""
    return importlib.util.find_spec("uvloop") is not None


def probe() -> tuple[Capability, ...]:
    """Everything of the host that the supervisor would use, in order of importance; takes up to a second."""
    return (
        Capability(
            "death signal (PR_SET_PDEATHSIG)",
            _has_death_signal(),
            "A stopped or stuck engine can outlive a killed supervisor until the next one sweeps it.",
            "It is part of Linux; on macOS there is nothing like it.",
        ),
        Capability(
            "pidfd",
            _has_pidfd(),
            "The end of an engine is noticed up to 20 ms later.",
            "Linux 5.3 or newer, in a sandbox that allows pidfd_open.",
        ),
        Capability(
            "peer credentials (SO_PEERCRED)",
            hasattr(socket, "SO_PEERCRED"),
            "Only the socket's mode 0600 keeps other users out.",
            "It is part of Linux.",
        ),
        Capability(
            "count of OOM kills",
            oom_counter() is not None,
            "A kernel OOM kill looks like a kill by a person: the engine starts again with the same settings.",
            "Mount cgroup v2, or allow /proc/vmstat to be read.",
        ),
        Capability(
            "systemd user manager",
            _has_systemd(),
            "Our own keeper starts the supervisor again after a crash; nothing starts it after a reboot.",
            "Log in through PAM, and `loginctl enable-linger` so that it outlives the last logout.",
        ),
        Capability(
            "uvloop",
            has_uvloop(),
            "A round trip to the supervisor takes twice as long.",
            "pip install uvloop",
        ),
        Capability(
            "wide pipes (F_SETPIPE_SZ)",
            hasattr(fcntl, "F_SETPIPE_SZ"),
            "An engine that prints more than 64 KiB at once waits until it is read.",
            "It is part of Linux, from Python 3.10.",
        ),
    )


def _has_death_signal() -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "prctl")


def _has_pidfd() -> bool:
    if not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def oom_counter() -> Path | None:
    """The file whose line `oom_kill N` counts what the kernel killed for memory: of our control group if it counts,
    else of the whole host; None where nothing counts."""
    return next((path for path in (*_of_our_group(), Path("/proc/vmstat")) if _counts(path)), None)


def _of_our_group() -> Iterator[Path]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        inside = group.lstrip("/")
        if controllers == "":
            yield Path("/sys/fs/cgroup", inside, "memory.events")
        elif controllers == "memory":
            yield Path("/sys/fs/cgroup/memory", inside, "memory.oom_control")


def _counts(path: Path) -> bool:
    try:
        return any(line.startswith("oom_kill ") for line in path.read_text().splitlines())
    except OSError:
        return False


def _has_systemd() -> bool:
    if shutil.which("systemd-run") is None:
        return False
    try:
        answer = subprocess.run(
            ["systemctl", "--user", "is-system-running"], capture_output=True, text=True, check=False, timeout=1.0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() in ("running", "degraded", "starting")
