"""Which environment an engine runs in; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from engines.environments.machine import Machine, number
from engines.environments.record import Environment, Stored
from engines.environments.requirements import Device

OTHER_REQUIREMENTS: Final = "made from other requirements"


def choose(
    found: Iterable[Stored], kind: str, digests: Mapping[Device, str], machine: Machine, *, on_gpu: bool
) -> Stored | None:
    """The newest that fits, for CUDA first where there are GPUs and the engine may be `on_gpu`; None where none fits.

    `digests` are those of the kind's present requirements.
    """
    fitting = [
        (one.environment, one)
        for one in found
        if one.environment and one.environment.kind == kind and not misfit(one.environment, digests, machine)
    ]
    first: Device = "cuda" if on_gpu else "cpu"
    ordered = sorted(fitting, key=lambda pair: (pair[0].device == first, pair[0].made_unix))
    return ordered[-1][1] if ordered else None


def misfit(environment: Environment, digests: Mapping[Device, str], machine: Machine) -> str:
    """Why no engine here runs in it, as words; empty where one may.

    A build for CUDA needs GPUs even where its engine computes on the CPU: its libraries do not load without the driver.
    """
    if not environment.test.ok:
        return "self-test failed"
    if environment.requirements != digests.get(environment.device):
        return OTHER_REQUIREMENTS
    if environment.platform != machine.platform:
        return f"made for {environment.platform}"
    if environment.device == "cuda" and not machine.capabilities:
        return "no GPU here"
    if environment.build and not set(environment.instructions) <= set(machine.instructions):
        return "built for another CPU"
    if environment.build and environment.device == "cuda" and not _some_runs(environment, machine):
        return "built for newer GPUs"
    return ""


def _some_runs(environment: Environment, machine: Machine) -> bool:
    """Whether any GPU here is as new as the oldest that it was built for: later ones can compile its code again."""
    oldest = min(map(number, environment.capabilities), default=())
    return any(number(one) >= oldest for one in machine.capabilities)
