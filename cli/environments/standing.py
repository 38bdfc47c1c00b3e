"""How an environment stands: may engines here run in it, would another be made now, who runs in it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from config.load import EngineConfig
from engines.environments.choose import choose, misfit
from engines.environments.key import name_of
from engines.environments.machine import Machine
from engines.environments.present import digests_of
from engines.environments.record import Stored
from engines.environments.requirements import devices_of, requirements_of

State: TypeAlias = Literal["current", "usable", "stale", "failed", "unfinished"]


@dataclass(frozen=True)
class Standing:
    """`why` says what keeps it from being current; `engines` are the names of those that run in it when they start."""

    stored: Stored
    state: State
    why: str
    engines: tuple[str, ...]


def standing_of(one: Stored, found: Sequence[Stored], machine: Machine, engines: Iterable[EngineConfig]) -> Standing:
    """Of one of all that were `found`."""
    users = tuple(engine.name for engine in engines if python_of_engine(engine, found, machine) == one.python)
    if one.environment is None:
        return Standing(one, "unfinished", "it never became whole, or its Python is gone", users)
    kind = one.environment.kind
    if not one.environment.test.ok:
        return Standing(one, "failed", "its self-test failed", users)
    if why := misfit(one.environment, digests_of(kind), machine):
        return Standing(one, "stale", why, users)
    now = {name_of(requirements_of(kind, device), machine) for device in devices_of(kind)}
    if one.name in now:
        return Standing(one, "current", "", users)
    return Standing(one, "usable", "made for another Python, or for other hardware than is here now", users)


def environment_of(engine: EngineConfig, found: Sequence[Stored], machine: Machine) -> Stored | None:
    """The environment that the engine runs in when it starts; None for the supervisor's own Python or one that was
    told and is no environment of ours."""
    if engine.python is not None:
        return next((one for one in found if one.python == Path(engine.python)), None)
    return choose(found, engine.kind, digests_of(engine.kind), machine, on_gpu=engine.settings.gpu != "cpu")


def python_of_engine(engine: EngineConfig, found: Sequence[Stored], machine: Machine) -> Path | None:
    """Its interpreter; None for the supervisor's own."""
    if engine.python is not None:
        return Path(engine.python)
    runs_in = environment_of(engine, found, machine)
    return None if runs_in is None else runs_in.python
