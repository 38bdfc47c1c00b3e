"""Make a child: in its own session, both outputs in pipes, the protocol on a socketpair of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import ipc
from ipc.places import DATA
from supervisor.process.child import Child
from supervisor.process.ring import LogRing

ROOT = Path(ipc.__file__).parents[1]
"""The folder above our packages; first on a child's path, so that no other `engines` or `ipc` can shadow ours."""

OOM_SCORE = 300
"""Out of 1000: when the host runs out of memory, the kernel is to take an engine rather than the supervisor."""

_SIMULATED_BOX = "ENGINEROOM_GPU_"
"""Variables that a simulated box sets for everyone on it."""
PASSED_ON = (_SIMULATED_BOX, DATA)
"""Beginnings of those of our variables that a child inherits."""


@dataclass(frozen=True)
class ChildSpec:
    """What to start: `python -m module arguments…` in `folder`; `environment` is added to the supervisor's own."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    python: str


def spawn(spec: ChildSpec, instance: str, log: LogRing) -> Child:
    """Start the child; call it on the loop, in the main thread: its death signal follows the thread that forked it.

    `instance` is the id of `new_instance`; all that the child starts carries it, too.

    Raises:
        OSError: no process could be made.
    """
    with ExitStack() as undo:
        ours, theirs = socket.socketpair()
        undo.callback(ours.close)
        with theirs:
            spawn_id = uuid.uuid4().hex
            process = subprocess.Popen(
                # -P: what lies in `folder` is data, and must not be imported.
                [spec.python, "-P", "-m", spec.module, *spec.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=spec.folder,
                env=_environment(spec, instance, spawn_id, theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        undo.pop_all()
    with suppress(OSError):  # no Linux, or already higher
        Path(f"/proc/{process.pid}/oom_score_adj").write_text(str(OOM_SCORE))
    return Child(process, ours, log, spawn_id)


def _environment(spec: ChildSpec, instance: str, spawn_id: str, descriptor: int) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ENGINEROOM_") or name.startswith(PASSED_ON)
    }
    root = str(ROOT)
    others = [folder for folder in inherited.get("PYTHONPATH", "").split(os.pathsep) if folder not in ("", root)]
    return {
        **inherited,
        **spec.environment,
        "PYTHONPATH": os.pathsep.join((root, *others)),
        "ENGINEROOM_FD": str(descriptor),
        "ENGINEROOM_PARENT": str(os.getpid()),
        "ENGINEROOM_ENGINE": spec.name,
        "ENGINEROOM_INSTANCE": instance,
        "ENGINEROOM_SPAWN": spawn_id,
    }
