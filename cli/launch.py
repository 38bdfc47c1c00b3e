"""Start a supervisor that outlives this terminal, and wait until it answers.

Whoever starts it again after a crash is the user's systemd where that outlives the last logout, else our keeper
(`cli/service_start.py` starts one that was installed as a service).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import anyio
import psutil

from cli import systemd
from cli.service import living_units
from cli.transient import systemd_run, transient_unit
from config import load
from config.paths import keeper_path, launch_log_path, lock_path, socket_path, supervisor_log_path
from ipc.client import connect_unix
from ipc.errors import ConnectionFailed, Problem, RequestFailed

START_SECONDS = 15.0
CRASHES = 3
"""So many supervisors that lived one after the other, and none that answered, are enough."""
ROOT = Path(load.__file__).parents[1]
"""The folder above our packages: prepended to what the supervisor imports from."""


async def start(state: Path, config_file: Path | None, environ: Mapping[str, str]) -> None:
    """Start it and wait until it answers; the configuration is read first, because its errors are the usual ones.

    Raises:
        BadConfig: it would refuse to start.
        RequestFailed: the state folder cannot be made.
        ConnectionFailed: it did not come up in 15 s; says what it last logged.
    """
    load.load(file=config_file, state=state, environ=environ)
    try:
        started = _spawn(state, config_file, environ)
    except OSError as error:
        where = error.filename or state
        raise RequestFailed(
            Problem("Cannot start", f"{where}: {error.strerror}.", "Set ENGINEROOM_STATE to a folder of yours.")
        ) from error
    deadline = time.monotonic() + START_SECONDS
    lives: set[int | None] = {None}
    while True:
        ended = started.poll()
        lives.add(holder(state))
        try:
            async with connect_unix(socket_path(state)):
                started.returncode = 0  # it outlives us: nobody here waits for it, and Popen need not warn of that
                return
        except ConnectionFailed as error:
            if ended not in (None, 0) and holder(state) is None:
                raise ConnectionFailed(silent(state, f"It ended with exit code {ended}")) from error
            if len(lives) > 1 + CRASHES:
                _give_up(started, state, environ)
                raise ConnectionFailed(silent(state, f"It crashed {CRASHES} times")) from error
            if time.monotonic() > deadline:
                _give_up(started, state, environ)
                raise ConnectionFailed(silent(state, f"It did not answer within {START_SECONDS:g} s")) from error
        await anyio.sleep(0.02)


async def start_on(host: str) -> bool:
    """Run `engineroom up` on `host`; True, because who started it there is not told.

    Raises:
        ConnectionFailed: ssh or that command failed; says its words.
    """
    done = await anyio.run_process(["ssh", "--", host, "engineroom", "up"], check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"
        raise ConnectionFailed(
            Problem("Cannot start there", f"`ssh {host} engineroom up` failed: {words}", "Try that command by hand.")
        )
    return True


def holder(state: Path) -> int | None:
    """The pid of the supervisor that holds this state folder, None when none lives."""
    return _living(lock_path(state), "supervisor.daemon")


def keeper(state: Path) -> int | None:
    """The pid of our keeper of this state folder, None when none lives."""
    return _living(keeper_path(state), "supervisor.keeper")


def kept(state: Path, environ: Mapping[str, str]) -> bool:
    """Whether a supervisor that does not answer now should soon: it lives, or its keeper does."""
    if keeper(state) is not None or holder(state) is not None:
        return True
    return bool(living_units(state, environ))


def _living(path: Path, module: str) -> int | None:
    """The pid written in `path` if that process runs `module`.

    The lock itself is not tried: even a moment of it could turn away a supervisor that is just starting.
    """
    try:
        pid = int(path.read_text())
        return pid if module in psutil.Process(pid).cmdline() else None
    except (OSError, ValueError, psutil.Error):
        return None


def _spawn(state: Path, config_file: Path | None, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    supervisor = supervisor_command(state, config_file)
    ours = {**environ, "PYTHONPATH": python_path(environ)}
    log = launch_log_path(state)
    if unit := transient_unit(state, environ):
        ours["ENGINEROOM_KEEPER"] = "systemd"
        command = systemd_run(unit, log, ours) + supervisor
    else:
        command = [sys.executable, "-P", "-m", "supervisor.keeper", "--state", str(state), "--", *supervisor]
    log.unlink(missing_ok=True)  # whoever still writes to an older one keeps it
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=state,
            env=ours,
            start_new_session=True,
        )


def supervisor_command(state: Path, config_file: Path | None) -> list[str]:
    """The supervisor itself, in the foreground; `PYTHONPATH` has to be `python_path`."""
    command = [sys.executable, "-P", "-m", "supervisor.daemon", "--state", str(state)]
    return command if config_file is None else [*command, "--config", str(config_file)]


def python_path(environ: Mapping[str, str]) -> str:
    """Our packages first."""
    return os.pathsep.join(filter(None, (str(ROOT), environ.get("PYTHONPATH"))))


def _give_up(started: subprocess.Popen[bytes], state: Path, environ: Mapping[str, str]) -> None:
    """Take back who would start it again and again; a supervisor that is only slow is not touched."""
    started.kill()
    started.wait()
    if unit := transient_unit(state, environ):
        systemd.ask(environ, "stop", unit)


def silent(state: Path, what: str) -> Problem:
    """Why a supervisor that should answer does not: `what`, and what it last logged."""
    for log in (supervisor_log_path(state), launch_log_path(state)):
        if words := last_words(log):
            return Problem(
                "Supervisor does not answer",
                f"{what}; {words}",
                "Mend what it says; `engineroom down` names what still runs.",
            )
    return Problem("Supervisor does not answer", f"{what} and logged nothing in {state}.", "See `engineroom doctor`.")


def last_words(log: Path) -> str:
    """How a log ends; empty where there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-5:]
    except OSError:
        return ""
    return f"{log} ends with:\n    " + "\n    ".join(lines) if lines else ""
