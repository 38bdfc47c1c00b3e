"""Where things lie: one state folder per user and host, and the places a configuration file may be."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

from ipc.places import xdg_base

FILE_NAME = "engineroom.toml"


def state_folder(environ: Mapping[str, str]) -> Path:
    """`$ENGINEROOM_STATE`, else `engineroom/<host>` under `$XDG_STATE_HOME` or `~/.local/state`; absolute.

    The host is part of the path because a home folder may be shared by several boxes, and `flock` and sockets are not.
    """
    if told := environ.get("ENGINEROOM_STATE"):
        return Path(told).expanduser().absolute()
    return xdg_base(environ, "XDG_STATE_HOME", ".local/state") / "engineroom" / host_name()


def host_name() -> str:
    """This host's short name in lower case, as job ids carry it."""
    return platform.node().split(".")[0].lower() or "localhost"


def socket_path(state: Path) -> Path:
    """Where clients connect (mode 0600)."""
    return state / "socket"


def lock_path(state: Path) -> Path:
    """The file that one supervisor at a time holds by `flock`; its text is the holder's pid."""
    return state / "lock"


def keeper_path(state: Path) -> Path:
    """The keeper's pid, while there is one."""
    return state / "keeper.pid"


def database_path(state: Path) -> Path:
    """Jobs and their units (SQLite)."""
    return state / "jobs.sqlite"


def unit_files_path(state: Path) -> Path:
    """Results of units that are too long for the database, a folder for each job."""
    return state / "units"


def spool_path(state: Path) -> Path:
    """Inputs that came through a pipe."""
    return state / "spool"


def footprints_path(state: Path) -> Path:
    """What models were measured to take (SQLite); losing it costs estimates, no work."""
    return state / "footprints.sqlite"


def supervisor_log_path(state: Path) -> Path:
    """The supervisor's own rotating log."""
    return state / "supervisor.log"


def launch_log_path(state: Path) -> Path:
    """What keeper and supervisor print before and outside the log: tracebacks, mostly."""
    return state / "launch.log"


def set_path(state: Path) -> Path:
    """Settings changed at run time (`engineroom set`)."""
    return state / "set.json"


def config_candidates(environ: Mapping[str, str], cwd: Path) -> tuple[Path, ...]:
    """Where a configuration file is looked for, first match wins: `$ENGINEROOM_CONFIG` alone when it is set, else
    `engineroom.toml` in the current folder, then in `engineroom/` under `$XDG_CONFIG_HOME` or `~/.config`."""
    if told := environ.get("ENGINEROOM_CONFIG"):
        return (Path(told).expanduser().absolute(),)
    return (cwd / FILE_NAME, xdg_base(environ, "XDG_CONFIG_HOME", ".config") / "engineroom" / FILE_NAME)


def user_units_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's systemd looks for the units that the user wrote."""
    return xdg_base(environ, "XDG_CONFIG_HOME", ".config") / "systemd" / "user"
