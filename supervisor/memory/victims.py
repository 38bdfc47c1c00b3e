"""Who gives way: the cheapest idle engines whose leaving makes a load fit, and whom pressure unloads.

Never one that is busy, pinned, about to be busy, or loaded for less than its minimum residency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ipc.snapshot import Pressure
from supervisor.memory.ask import Ask, Placement, Refusal
from supervisor.memory.clearing import Box, Room, Target, dearness, targets
from supervisor.memory.fleet import HOST, GpuRoom, HostRoom, Resident
from supervisor.memory.hopeless import hopeless
from supervisor.memory.leaving import stays_because
from supervisor.memory.placement import place
from supervisor.memory.pressure import USUAL, Thresholds
from supervisor.memory.wording import joined, listed, places, size


@dataclass(frozen=True, slots=True)
class Plan:
    """A load that fits once the victims are gone."""

    placement: Placement
    victims: tuple[str, ...]
    """In the order in which they leave."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A load that fits once engines leave that cannot leave now."""

    reason: str
    help: str
    engines: tuple[str, ...]


def make_room(
    ask: Ask,
    gpus: Sequence[GpuRoom],
    host: HostRoom,
    residents: Sequence[Resident],
    thresholds: Thresholds = USUAL,
) -> Plan | Wait | Refusal:
    """Where the load goes and who leaves for it, whom it waits for, or why neither helps.

    Where several GPUs could be cleared, the one whose victims cost least is; see `leaving.cost`.
    """
    now = place(ask, gpus, host)
    if isinstance(now, Placement):
        return Plan(now, ())
    if now.impossible:
        return now
    others = [one for one in residents if one.engine != ask.engine and not one.pinned]
    box = Box(host, sorted(others, key=dearness), thresholds)
    rooms = [room for target in targets(ask, gpus) if (room := box.cleared(target)) is not None]
    if not rooms:
        return hopeless(ask, gpus, host, residents, now, thresholds)
    best = min(rooms, key=lambda room: room.price)
    blocked = [one for one in best.leaving if stays_because(one)]
    if blocked:
        return _wait(now, best.target, blocked)
    return Plan(replace(best.placement, words=_words(best, ask, gpus)), tuple(one.engine for one in best.leaving))


def relief(
    residents: Iterable[Resident], uuid: str, total_bytes: int, pressure: Pressure, thresholds: Thresholds
) -> tuple[str, ...]:
    """Whom pressure on one GPU (or `HOST`) unloads: the readiest idle engine when high, all of them when critical.

    One whose own bytes make the level stays: an engine alone on a full card is a normal day.
    """
    if pressure not in ("high", "critical"):
        return ()
    own = thresholds.begins[pressure] * total_bytes
    idle = [one for one in residents if 0 < one.held.get(uuid, 0) < own and not stays_because(one)]
    names = tuple(one.engine for one in sorted(idle, key=dearness))
    return names if pressure == "critical" else names[:1]


def _words(room: Room, ask: Ask, gpus: Sequence[GpuRoom]) -> str:
    if room.target.ask is ask:
        return room.placement.words
    taken = {one.uuid for one in room.placement.slices}
    return f"{places([gpu for gpu in gpus if gpu.uuid in taken])}, where room costs least"


def _wait(now: Refusal, target: Target, blocked: Sequence[Resident]) -> Wait:
    named = []
    for one in blocked:
        there = sum(one.held.get(uuid, 0) for uuid in target.uuids) or one.held.get(HOST, 0)
        named.append(f"{one.engine} ({size(there)})")
    why = [f"{name} {stays_because(one)}" for name, one in zip(named, blocked, strict=True)]
    return Wait(
        f"{now.reason.rstrip('.')}; {listed(why)}.",
        joined([f"stop {listed(named)}"], now.help),
        tuple(one.engine for one in blocked),
    )
