"""Why a load does not fit even with every engine gone that may ever go: what strangers and pinned engines hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.memory.ask import Ask, Refusal
from supervisor.memory.fleet import HOST, GpuRoom, HostRoom, Resident
from supervisor.memory.leaving import gpus_without, host_without
from supervisor.memory.pins import Nowhere, pool_of
from supervisor.memory.pressure import Thresholds
from supervisor.memory.seat import against, seated, seated_on_gpus
from supervisor.memory.wording import engines, joined, listed, size


def hopeless(
    ask: Ask,
    gpus: Sequence[GpuRoom],
    host: HostRoom,
    residents: Sequence[Resident],
    now: Refusal,
    thresholds: Thresholds,
) -> Refusal:
    """The refusal `now`, with who holds the rest and what would help."""
    mobile = [one for one in residents if one.engine != ask.engine and not one.pinned]
    uuid, name, total, free = HOST, "the host's memory", host.total_bytes, host.free_bytes
    cleared = gpus_without(gpus, mobile, thresholds)
    if seated_on_gpus(ask, cleared) is None:
        best = _best(ask, cleared)
        if best is None:
            return now
        gpu = next(gpu for gpu in gpus if gpu.uuid == best)
        uuid, name, total, free = gpu.uuid, f"GPU {gpu.index}", gpu.total_bytes, gpu.free_bytes
    there = "on this host" if uuid == HOST else f"on {name}"
    pinned = [one for one in residents if one.pinned and one.held.get(uuid, 0) > 0]
    strangers = total - free - sum(one.held.get(uuid, 0) for one in residents)
    parts = [f"{one.engine}, which is pinned, holds {size(one.held[uuid])}" for one in pinned]
    if strangers > 0:
        parts.insert(0, f"{size(strangers)} are in use by others or kept in reserve")
    reason = f"{now.reason} Of {name}, {listed(parts)}." if parts else now.reason
    every = [*mobile, *pinned]
    unpinned = seated(ask, gpus_without(gpus, every, thresholds), host_without(host, every, thresholds))
    way = f"unpin {engines(pinned)}" if pinned and unpinned is not None else f"end other programs {there}"
    return replace(now, reason=reason, help=joined([way], now.help))


def _best(ask: Ask, cleared: Sequence[GpuRoom]) -> str | None:
    """The UUID of the GPU on which it would be nearest to fitting."""
    pool = pool_of(ask.gpu, ask.bound, cleared)
    if isinstance(pool, Nowhere):
        return None
    able = [gpu for gpu in pool.gpus if not against(ask, gpu) and not gpu.silent and gpu.total_bytes > 0]
    return max(able, key=lambda gpu: gpu.free_bytes).uuid if able else None
