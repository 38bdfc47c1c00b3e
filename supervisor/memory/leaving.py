"""Who may leave, how readily, and what the fleet looks like once they have left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ipc.snapshot import Pressure
from supervisor.memory.fleet import HOST, GpuRoom, HostRoom, Resident
from supervisor.memory.pressure import Thresholds, pressure_of

_USUAL_PRIORITY = 5


def cost(one: Resident) -> float:
    """What its leaving costs: seconds to reload ÷ seconds idle × 2 ** (priority − 5); the cheapest leaves first.

    So of two alike the one that idles longer leaves, and one priority more weighs as much as idling half as long.
    """
    return max(one.reload_seconds, 0.01) / max(one.idle_seconds, 1.0) * 2.0 ** (one.priority - _USUAL_PRIORITY)


def stays_because(one: Resident) -> str:
    """Why it cannot leave just now, as the rest of a sentence that begins with its name; empty where it may."""
    if one.pinned:
        return "is pinned"
    if one.busy:
        return "is busy"
    if one.wanted:
        return "has work waiting"
    if one.resident_seconds < one.min_residency:
        return f"was loaded {one.resident_seconds:.0f} s ago and stays {one.min_residency:.0f} s at least"
    return ""


def gpus_without(gpus: Iterable[GpuRoom], leaving: Sequence[Resident], thresholds: Thresholds) -> tuple[GpuRoom, ...]:
    """The GPUs with the room that these give back."""
    return tuple(_gpu_without(gpu, leaving, thresholds) for gpu in gpus)


def host_without(host: HostRoom, leaving: Iterable[Resident], thresholds: Thresholds) -> HostRoom:
    """The host with the room that these give back."""
    back = sum(one.held.get(HOST, 0) for one in leaving)
    free = host.free_bytes + back
    return replace(host, free_bytes=free, pressure=_eased(host.pressure, host.total_bytes, free, back, thresholds))


def _gpu_without(gpu: GpuRoom, leaving: Sequence[Resident], thresholds: Thresholds) -> GpuRoom:
    there = [one.held[gpu.uuid] for one in leaving if one.held.get(gpu.uuid, 0) > 0]
    free = gpu.free_bytes + sum(there)
    return replace(
        gpu,
        free_bytes=free,
        residents=max(gpu.residents - len(there), 0),
        pressure=_eased(gpu.pressure, gpu.total_bytes, free, sum(there), thresholds),
    )


def _eased(before: Pressure, total: int, free: int, back: int, thresholds: Thresholds) -> Pressure:
    """The pressure to expect: what is not free for claims counts as in use, so that nobody leaves for nothing."""
    if before != "critical" or back <= 0 or total <= 0:
        return before
    return pressure_of((total - free) / total, before, thresholds)
