"""The ledger's books, worked out anew from readings and claims: what each GPU and the host hold, and what is free.

free = total − reserve − others − Σ over engines of max(measured, claimed)

Others are what is in use and not measured as ours; so where process ids are hidden, what an engine took counts as its
own only by difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from ipc.snapshot import GpuBook, GpuReading, HostBook, HostReading, Pressure, Share, Stranger
from supervisor.memory.claims import Claim
from supervisor.memory.fleet import GpuRoom


@dataclass(frozen=True, slots=True)
class Withheld:
    """Bytes that did not come back after an unload, and who is believed to hold them."""

    bytes: int
    why: str
    pids: Set[int] = frozenset()
    """Of ours that hold some of it although they have ended: no strangers."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the books are made from, at one moment."""

    gpus: tuple[GpuReading, ...]
    host: HostReading
    claims: Mapping[str, Claim]
    """By engine."""
    rss: Mapping[str, int]
    """Measured host memory of each engine that has a process."""
    reserve_bytes: int
    """Kept free on each GPU."""
    host_reserve_bytes: int
    threads: int
    pressure: Mapping[str, Pressure] = field(default_factory=dict)
    """By UUID, and `HOST`; low where it is not told."""
    holds: Mapping[str, str] = field(default_factory=dict)
    """By UUID: why no flight begins there."""
    withheld: Mapping[str, Withheld] = field(default_factory=dict)
    """By UUID."""
    by_difference: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By engine and UUID: what its load added to the GPU's use, where none of its processes is seen on it."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """By UUID: how many engines may be resident."""


def measured(reading: GpuReading) -> dict[str, int]:
    """Bytes by engine, as the card tells them of each process."""
    found: dict[str, int] = {}
    for process in reading.processes:
        if process.engine and process.used_bytes is not None:
            found[process.engine] = found.get(process.engine, 0) + process.used_bytes
    return found


def is_shared(reading: GpuReading) -> bool:
    """Whether it is a board without memory of its own: it tells none, and nothing is wrong with it."""
    return reading.memory_total_bytes is None and bool(reading.uuid) and not reading.stale and not reading.problem


def unaccounted(reading: GpuReading) -> int:
    """Bytes in use that belong to no process the card names."""
    return max(0, (reading.memory_used_bytes or 0) - sum(one.used_bytes or 0 for one in reading.processes))


def strange(reading: GpuReading, ghosts: Set[int]) -> int:
    """Bytes in use by nobody that can be seen from here; where process ids are hidden, ours are among them."""
    return unaccounted(reading) + sum(one.used_bytes or 0 for one in reading.processes if one.pid in ghosts)


def is_hidden(reading: GpuReading, ghosts: Set[int]) -> bool:
    """Whether ours may be among those that cannot be told apart from here: in a container, or under WSL."""
    return any(one.pid in ghosts or (not one.engine and one.used_bytes is None) for one in reading.processes)


def gpu_book(facts: Facts, reading: GpuReading) -> GpuBook:
    """One GPU. A board that shares the host's memory tells no total: then it is the host's."""
    uuid = reading.uuid
    shares = _shares(facts, reading)
    ours = sum(share.measured_bytes or 0 for share in shares)
    held = sum(max(share.measured_bytes or 0, share.claimed_bytes) for share in shares)
    total, used = _extent(facts, reading)
    others = None if used is None else max(0, used - ours)
    reserve = facts.reserve_bytes + (reading.memory_reserved_bytes or 0)
    withheld = facts.withheld.get(uuid, Withheld(0, ""))
    elsewhere = _promised_of_ram(facts) if is_shared(reading) else 0
    return GpuBook(
        index=reading.index,
        uuid=uuid,
        total_bytes=total,
        reserve_bytes=reserve,
        shares=shares,
        strangers=tuple(
            Stranger(one.pid, one.name, one.used_bytes)
            for one in reading.processes
            if not one.engine and one.used_bytes and one.pid not in withheld.pids
        ),
        others_bytes=others,
        withheld_bytes=withheld.bytes,
        withheld_why=withheld.why,
        free_bytes=None if total is None or others is None else total - reserve - others - held - elsewhere,
        pressure=facts.pressure.get(uuid, "low"),
        hold=facts.holds.get(uuid, ""),
        residents=sum(1 for share in shares if share.claimed_bytes or share.measured_bytes),
        residents_limit=facts.limits.get(uuid, 0),
    )


def host_book(facts: Facts) -> HostBook:
    """The host's memory, and its threads."""
    host = facts.host
    names = dict.fromkeys([*facts.claims, *facts.rss])
    shares = tuple(
        Share(
            name,
            facts.rss.get(name),
            claim.placement.ram_bytes if (claim := facts.claims.get(name)) else 0,
            estimated=claim is not None and claim.placement.estimated,
            by_difference=False,
        )
        for name in names
    )
    others = max(0, host.ram_used_bytes - sum(facts.rss.values()))
    held = sum(max(share.measured_bytes or 0, share.claimed_bytes) for share in shares)
    return HostBook(
        total_bytes=host.ram_total_bytes,
        reserve_bytes=facts.host_reserve_bytes,
        shares=shares,
        others_bytes=others,
        free_bytes=host.ram_total_bytes - facts.host_reserve_bytes - others - held - _promised_on_shared(facts),
        pressure=facts.pressure.get("host", "low"),
        threads=facts.threads,
        threads_claimed={name: claim.threads for name, claim in facts.claims.items()},
    )


def room_of(book: GpuBook, reading: GpuReading) -> GpuRoom:
    """The GPU as the policies see it; one of which nothing is known offers nothing."""
    silent = reading.problem if reading.stale else "" if book.total_bytes is not None else "It tells no memory."
    return GpuRoom(
        index=reading.index,
        uuid=reading.uuid,
        name=reading.name,
        total_bytes=book.total_bytes or 0,
        free_bytes=book.free_bytes or 0,
        capability=reading.compute_capability,
        display=bool(reading.display_active),
        hot=bool(book.hold),
        cut=bool(reading.mig),
        mig=reading.mig,
        silent=silent,
        pressure=book.pressure,
        residents=book.residents,
        residents_limit=book.residents_limit,
    )


def _promised_of_ram(facts: Facts) -> int:
    """Claims on the host's memory that are not taken yet."""
    return sum(max(0, claim.placement.ram_bytes - facts.rss.get(name, 0)) for name, claim in facts.claims.items())


def _promised_on_shared(facts: Facts) -> int:
    """Claims on boards that share the host's memory that are not taken yet."""
    shares = [share for one in facts.gpus if is_shared(one) for share in _shares(facts, one)]
    return sum(max(0, share.claimed_bytes - (share.measured_bytes or 0)) for share in shares)


def _extent(facts: Facts, reading: GpuReading) -> tuple[int | None, int | None]:
    """Total and used bytes, of the host where the board has no memory of its own."""
    if is_shared(reading):
        return facts.host.ram_total_bytes, facts.host.ram_used_bytes
    return reading.memory_total_bytes, reading.memory_used_bytes


def _shares(facts: Facts, reading: GpuReading) -> tuple[Share, ...]:
    seen = measured(reading)
    claimed = {name: claim for name, claim in facts.claims.items() if claim.touches(reading)}
    shares = []
    for name in dict.fromkeys([*claimed, *seen]):
        claim, difference = claimed.get(name), facts.by_difference.get((name, reading.uuid))
        shares.append(
            Share(
                name,
                seen.get(name, difference),
                0 if claim is None else claim.bytes_on(reading),
                estimated=claim is not None and claim.placement.estimated,
                by_difference=name not in seen and bool(difference),
            )
        )
    return tuple(shares)
