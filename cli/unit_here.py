"""The unit that would be installed here and now: the supervisor of this command line, and the variables it needs."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from cli import launch
from cli.service import service_of
from cli.session import Session
from cli.unit_text import Unit
from config import load
from config.paths import launch_log_path
from ipc.places import DATA, data_folder

PASSED_ON = (
    *("PATH", "LD_LIBRARY_PATH", "HF_HOME"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"),
)
"""Variables that a supervisor or its engines look at: at boot there is no shell that would set them."""


class _Noting(dict[str, str]):
    """An environment that remembers which of its variables were read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


def unit_here(session: Session) -> Unit:
    """What would be installed for this session's supervisor, with the variables that its configuration reads.

    Raises:
        BadConfig: the supervisor would refuse to start.
    """
    service, noting = service_of(session.state, session.environ), _Noting(session.environ)
    load.load(file=session.config_file, state=session.state, environ=noting)
    environment = {name: value for name, value in noting.items() if name in PASSED_ON or name in noting.read}
    places = {
        "ENGINEROOM_STATE": service.state,
        "ENGINEROOM_CONFIG": session.config_file,
        DATA: data_folder(session.environ),
    }
    environment |= {name: str(place) for name, place in places.items() if place and session.environ.get(name)}
    return Unit(
        name=service.name,
        command=tuple(launch.supervisor_command(service.state, session.config_file)),
        environment={**environment, "PYTHONPATH": launch.python_path(session.environ), "ENGINEROOM_KEEPER": "systemd"},
        state=service.state,
        log=launch_log_path(service.state),
        host=platform.node(),
    )
