"""What the tests of the memory policies share: GPUs, hosts, residents and asks in few words. Sizes in GiB."""

from __future__ import annotations

from collections.abc import Mapping

from engines.appraisal import Level, Need
from ipc.snapshot import Pressure
from supervisor.memory.fleet import GpuRoom, HostRoom, Resident
from supervisor.memory.placement import Ask, Placement, Refusal

GIB = 1 << 30


def gib(size: float) -> int:
    """So many GiB in bytes."""
    return round(size * GIB)


def gpu(
    index: int,
    free: float,
    total: float = 24,
    *,
    name: str = "NVIDIA RTX 3090",
    capability: str = "8.6",
    display: bool = False,
    mig: tuple[str, ...] = (),
    silent: str = "",
    pressure: Pressure = "low",
    residents: int = 0,
    limit: int = 5,
) -> GpuRoom:
    """A GPU whose UUID is `GPU-<index>`."""
    return GpuRoom(
        index,
        f"GPU-{index}",
        name,
        gib(total),
        gib(free),
        capability,
        display,
        bool(mig),
        mig,
        silent,
        pressure,
        residents,
        limit,
    )


def host(free: float = 64, total: float = 64, pressure: Pressure = "low") -> HostRoom:
    """A host."""
    return HostRoom(gib(total), gib(free), pressure)


def ask(
    size: float,
    *,
    engine: str = "llm",
    to: str = "auto",
    pieces: int = 1,
    on_gpu: int | None = -1,
    per_gpu: float = 0,
    ram: float = 0,
    spread: int = 1,
    least: str = "",
    why_no_gpu: str = "",
    level: Level | None = None,
    bound: tuple[str, ...] | None = None,
    unsuited: Mapping[str, str] | None = None,
    learned: Mapping[str, float] | None = None,
) -> Ask:
    """A load of so many equal pieces, `size` together, all of them on GPUs; a level means that it was left open."""
    layers = tuple(gib(size / pieces) for _ in range(pieces))
    return Ask(
        engine,
        to,
        Need(layers, pieces if on_gpu == -1 else on_gpu, gib(per_gpu), gib(ram)),
        spread,
        least,
        why_no_gpu,
        level,
        level is not None,
        bound,
        unsuited or {},
        {model: gib(peak) for model, peak in (learned or {}).items()},
    )


def resident(
    engine: str,
    held: Mapping[str, float],
    *,
    busy: bool = False,
    wanted: bool = False,
    pinned: bool = False,
    priority: int = 5,
    idle: float = 600,
    age: float = 3600,
    reload: float = 20,
) -> Resident:
    """An engine idle for ten minutes, that may go; `held` by GPU UUID and `HOST`."""
    in_bytes = {uuid: gib(size) for uuid, size in held.items()}
    return Resident(engine, in_bytes, busy, wanted, pinned, priority, idle, age, 30.0, reload)


def placed(answer: Placement | Refusal) -> Placement:
    """The placement that this must be."""
    assert isinstance(answer, Placement), answer
    return answer


def refused(answer: Placement | Refusal) -> Refusal:
    """The refusal that this must be."""
    assert isinstance(answer, Refusal), answer
    return answer


def on(placement: Placement) -> dict[str, int]:
    """Bytes by UUID."""
    return {one.uuid: one.bytes for one in placement.slices}
