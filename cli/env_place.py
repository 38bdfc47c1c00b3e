"""Where the environments of this user lie, and what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cli.session import Session
from config.load import EngineConfig, load
from ipc.errors import EngineRoomError, Problem, RequestFailed
from ipc.places import data_folder, environments_folder


def place(session: Session) -> Path:
    """The folder of environments here.

    Raises:
        RequestFailed: the session speaks to another host.
    """
    if session.host is not None:
        raise RequestFailed(
            Problem("Not over ssh", "Environments are made on their own box.", f"Run it there: ssh {session.host}")
        )
    return environments_here(session.environ)


def environments_here(environ: Mapping[str, str]) -> Path:
    """The folder of environments that this environment means."""
    return environments_folder(data_folder(environ))


def engines_configured(session: Session) -> tuple[tuple[EngineConfig, ...], Problem | None]:
    """Every engine of the configuration; or none, and what is wrong with it."""
    try:
        return load(file=session.config_file, state=session.state, environ=session.environ).engines, None
    except EngineRoomError as error:
        return (), error.problem
