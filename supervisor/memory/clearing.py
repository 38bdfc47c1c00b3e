"""Which engines could leave so that a load fits on one GPU, or on some: the cheapest set of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from supervisor.memory.ask import Ask, Placement
from supervisor.memory.fleet import HOST, GpuRoom, HostRoom, Resident
from supervisor.memory.leaving import cost, gpus_without, host_without, stays_because
from supervisor.memory.pins import Pool, pool_of
from supervisor.memory.pressure import Thresholds
from supervisor.memory.seat import seated, why_cpu

_ALL_COMBINATIONS_OF: Final = 6
"""So many engines on one GPU are tried in every combination: 64 tries of some 10 µs."""


@dataclass(frozen=True, slots=True)
class Target:
    """The load, narrowed to one GPU or to some."""

    ask: Ask
    gpus: tuple[GpuRoom, ...]
    uuids: tuple[str, ...]
    """Where it would lie; none for the CPU."""


@dataclass(frozen=True, slots=True)
class Room:
    """A target that fits once these have left."""

    target: Target
    placement: Placement
    leaving: tuple[Resident, ...]
    price: tuple[int, bool, float]
    """Those who cannot leave now, whether a display is on it, and what the leaving costs."""


@dataclass(frozen=True, slots=True)
class Box:
    """The host and those who could ever leave."""

    host: HostRoom
    others: Sequence[Resident]
    """The readiest first."""
    thresholds: Thresholds

    def cleared(self, target: Target) -> Room | None:
        """The cheapest way to make it fit; engines elsewhere leave only for their part of the host's memory."""
        near = self._holders(target.uuids)
        if seated(target.ask, gpus_without(target.gpus, near, self.thresholds), self.host) is None:
            near = self._holders((*target.uuids, HOST))
        if self._seat(target, near) is None:
            return None
        return next(room for leaving in _sets(near) if (room := self._room(target, leaving)) is not None)

    def _holders(self, uuids: tuple[str, ...]) -> tuple[Resident, ...]:
        return tuple(one for one in self.others if any(one.held.get(uuid, 0) > 0 for uuid in uuids))

    def _room(self, target: Target, leaving: tuple[Resident, ...]) -> Room | None:
        placement = self._seat(target, leaving)
        if placement is None:
            return None
        for one in reversed(leaving):
            fewer = tuple(other for other in leaving if other is not one)
            if (spared := self._seat(target, fewer)) is not None:
                leaving, placement = fewer, spared
        taken = {one.uuid for one in placement.slices}
        shown = any(bool(gpu.spared) and gpu.uuid in taken for gpu in target.gpus)
        blocked, price = _price(leaving)
        return Room(target, placement, leaving, (blocked, shown, price))

    def _seat(self, target: Target, leaving: Sequence[Resident]) -> Placement | None:
        gpus = gpus_without(target.gpus, leaving, self.thresholds)
        placement = seated(target.ask, gpus, host_without(self.host, leaving, self.thresholds))
        # Nobody leaves a GPU for a load that then goes to the CPU.
        return placement if placement is not None and (placement.slices or not target.uuids) else None


def targets(ask: Ask, gpus: Sequence[GpuRoom]) -> Iterator[Target]:
    """Each GPU that counts, then as many together as the load may be divided over."""
    pool = None if why_cpu(ask, gpus) else pool_of(ask.gpu, ask.bound, gpus)
    if not isinstance(pool, Pool):
        yield Target(ask, tuple(gpus), ())
    elif len(pool.gpus) == 1:
        yield Target(ask, tuple(gpus), (pool.mig or pool.gpus[0].uuid,))
    else:
        yield from (Target(replace(ask, bound=(gpu.uuid,)), (gpu,), (gpu.uuid,)) for gpu in pool.gpus)
        if ask.spread > 1:
            yield Target(ask, tuple(gpus), tuple(gpu.uuid for gpu in pool.gpus))


def _sets(near: tuple[Resident, ...]) -> list[tuple[Resident, ...]]:
    """Whose leaving to try, the cheapest first: all combinations; of very many engines, each alone and the readiest."""
    count = len(near)
    if count <= _ALL_COMBINATIONS_OF:
        sets = [several for size_ in range(count + 1) for several in combinations(near, size_)]
    else:
        sets = [*((one,) for one in near), *(near[:size_] for size_ in range(2, count + 1))]
    return sorted(sets, key=_price)


def dearness(one: Resident) -> tuple[bool, float]:
    """The order of leaving: those who may, the cheapest first, then those who cannot yet."""
    return bool(stays_because(one)), cost(one)


def _price(leaving: Sequence[Resident]) -> tuple[int, float]:
    return sum(bool(stays_because(one)) for one in leaving), sum(cost(one) for one in leaving)
