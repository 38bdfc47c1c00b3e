"""The slots that a configuration asks for: one per engine, and one desk per kind that has an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from config.load import Config, EngineConfig
from config.pools import Pool
from engines.catalog import KINDS
from engines.gpu_memory import PLACEMENT, Placed
from engines.settings import EngineSettings, as_dict
from supervisor.machine.record import Lower, Record, Settings
from supervisor.machine.succession import new_heir
from supervisor.process.ring import LogRing
from supervisor.process.spawn import ChildSpec
from supervisor.slot import Slot, heir_name

DESK_UNLOAD_SECONDS = 300.0
"""An idle desk is let go: it starts again in a fraction of a second."""


def desk_name(kind: str) -> str:
    """The name of a kind's desk, which no engine can have."""
    return f"{kind}:desk"


def make_slots(config: Config) -> dict[str, Slot]:
    """By name; nothing is started."""
    engines = {engine.name: _engine(engine, config.pools) for engine in config.engines}
    kinds = sorted({engine.kind for engine in config.engines})
    return engines | {desk_name(kind): _desk(kind) for kind in kinds}


def _engine(config: EngineConfig, pools: Iterable[Pool]) -> Slot:
    settings = as_dict(config.settings)
    record = Record(config.name, config.kind, "engine", settings, _lower(type(config.settings)), rationed=True)
    names = tuple(pool.name for pool in pools if config.name in pool.members)
    return Slot(config.name, config.kind, config.python, config.settings, record, LogRing(), pools=names)


def _desk(kind: str) -> Slot:
    settings = KINDS[kind].settings(unload_after=DESK_UNLOAD_SECONDS, unload_depth="exit")
    record = Record(desk_name(kind), kind, "desk", as_dict(settings), lambda _: None)
    return Slot(desk_name(kind), kind, None, settings, record, LogRing())


def make_heir(slot: Slot, settings: Settings) -> Slot:
    """The slot of a process that loads these settings beside the engine's own; nothing is started."""
    name, typed = heir_name(slot.name), msgspec.convert(dict(settings), type(slot.settings))
    record = new_heir(slot.record, name, settings)
    heir = Slot(name, slot.kind, slot.python, typed, record, slot.log, unsuited=slot.unsuited, stands_by=slot)
    slot.other = heir
    return heir


def _lower(kind: type[EngineSettings]) -> Lower:
    def lower(settings: Settings) -> Settings | None:
        typed = msgspec.convert(dict(settings), kind)
        changes = typed.step_down()
        return {**settings, **changes} if changes else None

    return lower


def spec_of(state_folder: Path, python: Callable[[Slot], str]) -> Callable[[Slot, Settings], ChildSpec]:
    """How a slot's process is started; `python` tells the interpreter."""

    def make(slot: Slot, settings: Settings) -> ChildSpec:
        typed = msgspec.convert(dict(settings), type(slot.settings))
        return ChildSpec(
            name=slot.engine,
            module="engines.desk" if slot.is_desk else "engines.child",
            arguments=(slot.kind,),
            environment={
                **typed.process_environment(),
                "ENGINEROOM_SETTINGS": msgspec.json.encode(as_dict(typed)).decode(),
                **_devices(slot),
            },
            folder=state_folder,
            python=python(slot),
        )

    return make


def _devices(slot: Slot) -> dict[str, str]:
    """The GPUs that the process may see, bound as it starts."""
    if slot.is_desk or slot.claim is None:
        return {"CUDA_VISIBLE_DEVICES": ""}  # a desk computes nothing on a GPU, so it may not even open one
    slices = slot.claim.placement.slices
    whole = sum(one.bytes for one in slices)
    shares = [Placed(one.uuid, one.bytes / whole if whole else 1 / len(slices)) for one in slices]
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(slot.claim.uuids),
        PLACEMENT: msgspec.json.encode(shares).decode(),
    }
