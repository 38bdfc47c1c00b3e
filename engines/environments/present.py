"""Which environment each engine here would run in, by what is in the data folder now."""

from __future__ import annotations

import functools
from pathlib import Path

from engines.environments.choose import choose
from engines.environments.machine import Machine
from engines.environments.record import Stored, stored
from engines.environments.requirements import Device, devices_of, requirements_of


@functools.cache  # the files come with the program
def digests_of(kind: str) -> dict[Device, str]:
    """Of the present requirements of a kind, by device."""
    return {device: requirements_of(kind, device).digest for device in devices_of(kind)}


def chosen(environments: Path, kind: str, machine: Machine, *, on_gpu: bool) -> Stored | None:
    """The environment that an engine of this kind runs in when it starts now; None for the supervisor's own Python."""
    return choose(stored(environments), kind, digests_of(kind), machine, on_gpu=on_gpu)
