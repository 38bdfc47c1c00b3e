"""Why a load has no seat, with names and numbers, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.memory.ask import Ask, Refusal
from supervisor.memory.fleet import GpuRoom, HostRoom
from supervisor.memory.pins import Nowhere, Pool, pool_of
from supervisor.memory.seat import SPARE_RAM_BYTES, against, load_on, mig_against, seated_on_gpus
from supervisor.memory.suitability import passing
from supervisor.memory.wording import free, listed, needed, places, size


def refuse(ask: Ask, gpus: Sequence[GpuRoom], host: HostRoom) -> Refusal:
    """The refusal of a load that `seated` found no seat for."""
    placement = seated_on_gpus(ask, gpus)
    if placement is not None:
        return _no_ram(ask, placement.ram_bytes, host)
    match pool_of(ask.gpu, ask.bound, gpus):
        case Nowhere() as nowhere:
            return Refusal("No such GPU", nowhere.reason, nowhere.help, nowhere.lasting)
        case Pool(mig="") as pool:
            return _no_room(ask, pool, gpus)
        case Pool() as pool:
            return _no_mig(ask, pool)


def emptied(gpus: Sequence[GpuRoom]) -> tuple[GpuRoom, ...]:
    """The same GPUs with nobody on them."""
    return tuple(replace(gpu, free_bytes=gpu.total_bytes, pressure="low", residents=0) for gpu in gpus)


def _no_ram(ask: Ask, ram_bytes: int, host: HostRoom) -> Refusal:
    needs = f"{ask.engine} needs {needed(ram_bytes, estimated=True)} of memory"
    if ram_bytes > host.total_bytes:
        reason, way = f"{needs}, and this host has {size(host.total_bytes)}.", "Choose a smaller model or quantization."
        return Refusal("Not enough memory", reason, way, impossible=True)
    way = "Use smaller settings, or end other programs."
    if host.pressure == "critical" and ram_bytes > SPARE_RAM_BYTES:
        reason = f"{needs}, and the host is under critical memory pressure."
    else:
        reason = f"{needs}, and {free(host.free_bytes)} are free."
    return Refusal("Not enough memory", reason, way, impossible=False)


def _no_mig(ask: Ask, pool: Pool) -> Refusal:
    (gpu,) = pool.gpus
    if bad := mig_against(ask, pool):
        reason = f"GPU {gpu.index}, of which {pool.mig} is a part, {bad}."
        return Refusal("No GPU suits it", reason, _ANOTHER, impossible=True)
    reason = f"GPU {gpu.index}, of which {pool.mig} is a part, gives no readings ({gpu.silent})."
    return Refusal("No GPU takes it now", reason, "Wait until it answers, or name another.", impossible=False)


_ANOTHER = "Name another GPU, or set `gpu = cpu`."


def _no_room(ask: Ask, pool: Pool, gpus: Sequence[GpuRoom]) -> Refusal:
    bad = {gpu.uuid: against(ask, gpu) or passing(gpu) for gpu in pool.gpus}
    hopeful = [gpu for gpu in pool.gpus if not against(ask, gpu)]
    unknown = any(gpu.silent or gpu.total_bytes <= 0 for gpu in hopeful)
    impossible = not unknown and seated_on_gpus(ask, emptied(gpus)) is None
    if hopeful and impossible:
        whole = [gpu for gpu in emptied(pool.gpus) if not against(ask, gpu)]
        title, reason = "Not enough GPU memory", _shortage(ask, pool, whole, bad, "in all")
    elif usable := [gpu for gpu in pool.gpus if not bad[gpu.uuid]]:
        title, reason = "Not enough GPU memory", _shortage(ask, pool, usable, bad, "free")
    else:
        title = "No GPU takes it now" if hopeful else "No GPU suits it"
        reason = listed(f"GPU {gpu.index} {bad[gpu.uuid]}" for gpu in pool.gpus)
    return Refusal(title, f"{reason}.", _way_out(ask, pool, gpus, impossible=impossible), impossible)


def _shortage(ask: Ask, pool: Pool, able: Sequence[GpuRoom], bad: dict[str, str], what: str) -> str:
    load = load_on(ask, able[:1], ask.pieces or len(ask.need.layers))
    needs = f"{ask.engine} needs {needed(load.whole_bytes, estimated=not load.measured)}"
    if len(pool.gpus) == 1:
        return f"GPU {able[0].index} has {free(able[0].free_bytes)} {what}, {needs}"
    most_first = sorted(able, key=lambda gpu: (-gpu.free_bytes, gpu.index))
    parts = [f"GPU {gpu.index} has {free(gpu.free_bytes)} {what}" for gpu in most_first]
    parts += [f"GPU {gpu.index} {bad[gpu.uuid]}" for gpu in pool.gpus if gpu.uuid not in {one.uuid for one in able}]
    return f"{needs}: {listed(parts)}"


def _way_out(ask: Ask, pool: Pool, gpus: Sequence[GpuRoom], *, impossible: bool) -> str:
    if pool.told or ask.bound is not None:
        elsewhere = seated_on_gpus(replace(ask, gpu="auto", bound=None), gpus)
        if elsewhere is not None and elsewhere.slices:
            by_uuid = {gpu.uuid: gpu for gpu in gpus}
            there = [by_uuid[one.uuid] for one in elsewhere.slices]
            if ask.bound is not None:
                return f"Restart it: a new process may go to {places(there)}."
            return f"Set `gpu = {','.join(str(gpu.index) for gpu in there)}`."
    if impossible:
        return "Choose a smaller model or quantization, or set `gpu = cpu`."
    return "Use smaller settings or `gpu = cpu`."
