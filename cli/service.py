"""The systemd unit of a state folder, and every unit under which its supervisor may run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli import systemd, unit_text
from cli.transient import transient_unit
from config.paths import user_units_folder
from ipc.errors import Problem, RequestFailed

KILLED_SECONDS: Final = 10.0
"""For what was killed to be gone."""


@dataclass(frozen=True)
class Service:
    """What `engineroom service install` installs; `link` is what makes systemd start it at boot."""

    state: Path
    """The real path of the state folder: one folder has one unit."""
    name: str
    file: Path
    link: Path

    def text(self) -> str | None:
        """What is written there; None where there is no such file. Raises RequestFailed: it cannot be read."""
        try:
            return self.file.read_text(errors="surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RequestFailed(
                Problem("Unit unreadable", f"{self.file}: {error.strerror}.", "Allow reading it, or move it away.")
            ) from error

    def installed(self) -> bool:
        """Whether there is a unit file, whoever wrote it."""
        return os.path.lexists(self.file)

    def at_boot(self) -> bool:
        """Whether systemd starts it at boot."""
        return self.installed() and os.path.lexists(self.link)

    def hindrance(self, environ: Mapping[str, str]) -> str:
        """Why systemd cannot start it so that it outlives the last logout; empty where it can."""
        if not self.installed():
            return "it is not installed"
        if not systemd.lingers(environ):
            return f"lingering is off for {systemd.user(environ)}"
        silent = systemd.silent(environ)
        return silent and f"the user's systemd does not answer: {silent}"


def service_of(state: Path, environ: Mapping[str, str]) -> Service:
    """The unit of this state folder, there or not."""
    folder, real = user_units_folder(environ), Path(os.path.realpath(state))
    name = unit_text.unit_name(real)
    return Service(real, name, folder / name, folder / "default.target.wants" / name)


def living_units(state: Path, environ: Mapping[str, str]) -> list[str]:
    """The units of a supervisor of this folder that run, or will again in a moment."""
    return [unit for unit in _units(state, environ) if systemd.condition(environ, unit) in ("active", "activating")]


def stop_units(state: Path, environ: Mapping[str, str]) -> list[str]:
    """Make sure that systemd starts no supervisor of this folder again before the next boot, and wait for the end of
    the one it has; returns the units that were not yet at rest."""
    at_rest = ("inactive", "failed", "unknown", "")
    found = [unit for unit in _units(state, environ) if systemd.condition(environ, unit) not in at_rest]
    for unit in found:
        seconds = unit_text.STOP_SECONDS + KILLED_SECONDS
        systemd.tell(environ, "systemctl", "--user", "stop", unit, seconds=seconds)
    return found


def _units(state: Path, environ: Mapping[str, str]) -> list[str]:
    service = service_of(state, environ)
    units = [service.name if service.installed() else None, transient_unit(state, environ)]
    return [unit for unit in units if unit]
