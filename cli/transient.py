"""A unit of systemd made on the spot, for a supervisor that was started by hand and not installed as a service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cli import systemd
from cli.unit_text import STOP_SECONDS


def transient_unit(state: Path, environ: Mapping[str, str]) -> str | None:
    """The unit's name where the user's systemd answers within a second and lingers after logout, else None."""
    if not systemd.lingers(environ) or not state.is_dir():
        return None
    if systemd.ask(environ, "is-system-running") not in systemd.UP:
        return None
    return f"engineroom-{state.name}-{os.stat(state).st_ino}"


def systemd_run(unit: str, log: Path, environ: Mapping[str, str]) -> list[str]:
    """What comes before the supervisor's command: restarted at once and without end, but not after a refusal to start
    (3), as our keeper does; the rest is as `cli.unit_text` has it."""
    properties = (
        "Restart=on-failure",
        "RestartSec=100ms",
        "RestartPreventExitStatus=3",
        "StartLimitIntervalSec=0",
        "KillMode=mixed",
        f"TimeoutStopSec={STOP_SECONDS}",
        "OOMPolicy=continue",
        f"WorkingDirectory={log.parent}",
        f"StandardOutput=append:{log}",
        f"StandardError=append:{log}",
    )
    return [
        *("systemd-run", "--user", "--quiet", "--collect", f"--unit={unit}"),
        *(part for one in properties for part in ("-p", one)),
        *(f"--setenv={name}" for name in environ if name.isidentifier()),
        "--",
    ]
