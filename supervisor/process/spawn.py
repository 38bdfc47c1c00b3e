"""Make a child: its own session, both outputs in pipes, the protocol on a socketpair of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ipc
from supervisor.process.child import Child
from supervisor.process.ring import LogRing

ROOT = Path(ipc.__file__).parents[1]
"""The folder above our packages; first on a child's path, so that no other `engines` or `ipc` can shadow ours."""

PIPE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ChildSpec:
    """What to start: a module of ours, by the interpreter `python`, in `folder`."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    python: str


def spawn(spec: ChildSpec, instance: str, log: LogRing) -> Child:
    """Start the child; call it in the main thread, because its death signal follows the thread that forked it.

    Raises:
        OSError: no process could be made.
    """
    ours, theirs = socket.socketpair()
    spawn_id = uuid.uuid4().hex
    with theirs:
        try:
            process = subprocess.Popen(
                [spec.python, "-P", "-m", spec.module, *spec.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=spec.folder,
                env=_environment(spec, instance, spawn_id, theirs.fileno()),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        _widen(pipe.fileno())
    return Child(process, ours, log, spawn_id)


def _environment(spec: ChildSpec, instance: str, spawn_id: str, descriptor: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENGINEROOM_")}
    return {
        **inherited,
        **spec.environment,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), inherited.get("PYTHONPATH")))),
        "ENGINEROOM_FD": str(descriptor),
        "ENGINEROOM_PARENT": str(os.getpid()),
        "ENGINEROOM_ENGINE": spec.name,
        "ENGINEROOM_INSTANCE": instance,
        "ENGINEROOM_SPAWN": spawn_id,
    }


def _widen(pipe: int) -> None:
    """A megabyte of room, so that a burst of prints does not stop the engine while our loop is busy."""
    size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if size is not None:
        with contextlib.suppress(OSError):  # the user's pipe quota is used up: the usual 64 KiB do, too
            fcntl.fcntl(pipe, size, PIPE_BYTES)
