"""The best seat for a load among GPUs as they are, or None: `placement` says why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from supervisor.memory.ask import Ask, Placement, Slice
from supervisor.memory.fit import Load, divide, load_of, measured_load, most
from supervisor.memory.fleet import GpuRoom, HostRoom
from supervisor.memory.pins import Nowhere, Pool, pool_of
from supervisor.memory.suitability import lasting, passing, too_old
from supervisor.memory.wording import needed, places

SPARE_RAM_BYTES: Final = 64 << 20
"""So much a load may take of a host under critical pressure: what any process takes."""


def seated(ask: Ask, gpus: Sequence[GpuRoom], host: HostRoom) -> Placement | None:
    """Where the load goes, its part in the host's memory counted."""
    placement = seated_on_gpus(ask, gpus)
    return placement if placement is not None and ram_fits(placement.ram_bytes, host) else None


def seated_on_gpus(ask: Ask, gpus: Sequence[GpuRoom]) -> Placement | None:
    """Where the load goes if the host's memory had no end."""
    if why := why_cpu(ask, gpus):
        return Placement((), 0, ask.need.ram_bytes(0), True, f"CPU{why}")
    match pool_of(ask.gpu, ask.bound, gpus):
        case Nowhere():
            return None
        case Pool(mig="") as pool:
            return _among(ask, pool, len(gpus))
        case Pool() as pool:
            return _on_mig(ask, pool)


def why_cpu(ask: Ask, gpus: Sequence[GpuRoom]) -> str:
    """Why it goes to the CPU whatever the GPUs have free, as the rest of a sentence that begins with CPU; or empty."""
    if ask.bound == ():
        return ", where its process is"
    if ask.bound is None and ask.gpu.strip().lower() == "cpu":
        return ", as told"
    if ask.pieces == 0:
        return ": it puts nothing on a GPU"
    if ask.why_no_gpu:
        return f": {ask.why_no_gpu}"
    return "" if gpus or ask.bound else ": no GPU here"


def ram_fits(ram_bytes: int, host: HostRoom) -> bool:
    """Whether the host takes so much more."""
    if host.pressure == "critical" and ram_bytes > SPARE_RAM_BYTES:
        return False
    return ram_bytes <= max(host.free_bytes, 0)


def against(ask: Ask, gpu: GpuRoom) -> str:
    """What speaks for good against this GPU, as the rest of a sentence that begins with the GPU; or empty."""
    return lasting(gpu, ask.least_capability, ask.unsuited, ask.level if ask.open_level else None)


def load_on(ask: Ask, gpus: Sequence[GpuRoom], on_gpu: int) -> Load:
    """So many pieces: as measured on such GPUs where that is known and all pieces go there, else as estimated."""
    models = {gpu.name for gpu in gpus}
    if on_gpu == len(ask.need.layers) and models <= ask.learned.keys():
        return measured_load(ask.need, len(gpus), max(ask.learned[model] for model in models))
    return load_of(ask.need, on_gpu)


@dataclass(frozen=True, slots=True)
class _Seat:
    gpus: tuple[GpuRoom, ...]
    slices: tuple[Slice, ...]
    on_gpu: int
    measured: bool


def _among(ask: Ask, pool: Pool, gpus_here: int) -> Placement | None:
    usable = [gpu for gpu in pool.gpus if not against(ask, gpu) and not passing(gpu)]
    if not usable:
        return None
    groups = tuple(_groups(usable, ask.spread))
    whole = ask.pieces or len(ask.need.layers)
    seat = next(filter(None, (_seat(ask, group, whole) for group in groups)), None)
    if seat is None and ask.pieces is None:
        seat = _partly(ask, groups)
    if seat is None and ask.pieces is None:
        return Placement((), 0, ask.need.ram_bytes(0), True, "CPU: no GPU has room for one layer")
    if seat is None:
        return None
    words = _words(ask, pool, usable, seat, gpus_here)
    return Placement(seat.slices, seat.on_gpu, ask.need.ram_bytes(seat.on_gpu), not seat.measured, words)


def _groups(usable: Sequence[GpuRoom], spread: int) -> Iterator[tuple[GpuRoom, ...]]:
    """GPUs to try together, the most wanted first. Of so many GPUs, those with the most free memory hold the most."""
    ranked = sorted(usable, key=lambda gpu: (-gpu.free_bytes, gpu.index))
    plain = [gpu for gpu in ranked if not gpu.spared]
    yield from ((gpu,) for gpu in (*plain, *(gpu for gpu in ranked if gpu.spared)))
    for count in range(2, min(spread, len(ranked)) + 1):
        for several in (plain, ranked) if len(plain) < len(ranked) else (plain,):
            if len(several) >= count:
                yield tuple(sorted(several[:count], key=lambda gpu: gpu.index))


def _seat(ask: Ask, group: tuple[GpuRoom, ...], on_gpu: int) -> _Seat | None:
    load = load_on(ask, group, on_gpu)
    held = divide(load, [gpu.free_bytes for gpu in group])
    if held is None:
        return None
    taken = [(gpu, count) for gpu, count in zip(group, held, strict=True) if count is not None]
    slices = tuple(Slice(gpu.uuid, count) for gpu, count in taken)
    return _Seat(tuple(gpu for gpu, _ in taken), slices, on_gpu, load.measured)


def _partly(ask: Ask, groups: Sequence[tuple[GpuRoom, ...]]) -> _Seat | None:
    """As many pieces as fit: few GPUs rather than many, and a spared GPU only where no other holds any."""
    if not ask.need.layers:
        return None
    # Where the whole was measured and does not fit, estimates say too little: one piece at least stays off.
    load = load_of(ask.need, len(ask.need.layers) - 1)
    counts = [(most(load, [gpu.free_bytes for gpu in group]), group) for group in groups]
    plain = [(count, group) for count, group in counts if not any(gpu.spared for gpu in group)]
    for some in (plain, counts):
        count, group = max(some, key=lambda one: one[0], default=(0, ()))
        if count:
            return _seat(ask, group, count)
    return None


def _on_mig(ask: Ask, pool: Pool) -> Placement | None:
    """All of it, on the operator's word: nothing tells how full a MIG device is."""
    (gpu,) = pool.gpus
    if gpu.silent or mig_against(ask, pool):
        return None
    on_gpu = ask.pieces or len(ask.need.layers)
    load = load_on(ask, (gpu,), on_gpu)
    words = f"MIG device {pool.mig} of GPU {gpu.index}, {'as told' if pool.told else 'where its process is'}"
    ram_bytes = ask.need.ram_bytes(on_gpu)
    return Placement((Slice(pool.mig, load.whole_bytes),), on_gpu, ram_bytes, not load.measured, words)


def mig_against(ask: Ask, pool: Pool) -> str:
    """What speaks for good against the MIG device of a pool, as the rest of a sentence; or empty."""
    (gpu,) = pool.gpus
    why = ask.unsuited.get(pool.mig) or ask.unsuited.get(gpu.uuid)
    return f"cannot be used: {why}" if why else too_old(gpu, ask.least_capability)


def _words(ask: Ask, pool: Pool, usable: Sequence[GpuRoom], seat: _Seat, gpus_here: int) -> str:
    where, (first, *more) = places(seat.gpus), seat.gpus
    if more:
        load = load_on(ask, usable[:1], seat.on_gpu)
        why = f"because no single one has {needed(load.whole_bytes, estimated=not load.measured)} free"
    elif ask.bound is not None:
        why = "where its process is"
    elif pool.told and len(pool.gpus) == 1:
        why = "as told"
    elif len(usable) == 1:
        why = "the only one" if gpus_here == 1 else "the only one that can be used"
    elif first.spared and any(not gpu.spared for gpu in usable):
        why = f"though {first.spared}, because no other has room"
    elif any(gpu.free_bytes > first.free_bytes for gpu in usable):
        why = f"the most free memory without {_spared(usable)}"
    else:
        why = "the most free memory"
    words = f"{where}, {why}"
    total = len(ask.need.layers)
    return words if ask.pieces is not None or seat.on_gpu == total else f"{words}: {seat.on_gpu} of {total} layers fit"


def _spared(usable: Sequence[GpuRoom]) -> str:
    displays, hot = any(gpu.display for gpu in usable), any(gpu.hot for gpu in usable)
    return " or ".join(part for part, there in (("a display", displays), ("too much heat", hot)) if there)
