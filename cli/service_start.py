"""Let systemd start the supervisor that was installed as a service, and wait until it answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

import anyio

from cli import launch, systemd
from cli.service import Service
from config.paths import launch_log_path, socket_path
from ipc.client import connect_unix
from ipc.errors import ConnectionFailed, Problem


async def start_service(service: Service, environ: Mapping[str, str]) -> None:
    """One that does not answer in time is left to systemd, which tries again.

    Raises:
        ConnectionFailed: it did not come up in 15 s, or refused to; says what it last logged.
    """
    with suppress(OSError):
        launch_log_path(service.state).unlink(missing_ok=True)  # whatever is in it later is of this start
    said = systemd.tell(environ, "systemctl", "--user", "start", service.name, seconds=launch.START_SECONDS)
    if not said.worked:
        raise ConnectionFailed(_not_started(service, f"`systemctl --user start {service.name}` failed: {said.words}"))
    deadline = time.monotonic() + launch.START_SECONDS
    while True:
        condition = systemd.condition(environ, service.name)
        try:
            async with connect_unix(socket_path(service.state)):
                return
        except ConnectionFailed as error:
            if condition in ("inactive", "failed"):
                raise ConnectionFailed(_not_started(service, f"{service.name} is {condition}")) from error
            if time.monotonic() > deadline:
                silent = launch.silent(service.state, f"It did not answer within {launch.START_SECONDS:g} s")
                raise ConnectionFailed(silent) from error
        await anyio.sleep(0.1)


def _not_started(service: Service, what: str) -> Problem:
    if words := launch.last_words(launch_log_path(service.state)):
        return Problem("Did not start", f"{what}; {words}", "Mend what it says.")
    more = f"`systemctl --user status {service.name}` says more, `engineroom service install` writes the unit anew."
    return Problem("Did not start", f"{what}.", more)
