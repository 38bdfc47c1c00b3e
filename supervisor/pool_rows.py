"""What clients, recordings and the ledger see of the pools. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from config.pools import Pool
from ipc.snapshot import Json, PoolRow
from ipc.states import Draining, Ready
from supervisor.memory.budgets import Budget
from supervisor.memory.claims import Claim
from supervisor.slot import Slot, former_name, heir_name


def pool_rows(
    pools: Iterable[Pool], slots: Mapping[str, Slot], hits: Callable[[str], tuple[int, int]]
) -> tuple[PoolRow, ...]:
    """One for each pool, in the order of the configuration; `hits` tells hits and misses by name."""
    return tuple(
        PoolRow(
            pool.name,
            pool.kind,
            str(pool.route),
            {language: str(route) for language, route in pool.languages.items()},
            pool.members,
            tuple(name for name in pool.members if isinstance(slots[name].record.state, Ready | Draining)),
            *hits(pool.name),
            sum(claim.whole_bytes for name in _processes(pool) if (claim := _claim(slots, name)) is not None),
            pool.budget_bytes,
        )
        for pool in pools
    )


def budgets_of(pools: Iterable[Pool]) -> tuple[Budget, ...]:
    """What pools may hold, where that is bounded: an engine with two processes counts with both."""
    return tuple(
        Budget(pool.name, frozenset(_processes(pool)), pool.budget_bytes)
        for pool in pools
        if pool.budget_bytes is not None
    )


def pool_header(pools: Iterable[Pool]) -> dict[str, Json]:
    """By name, what never changes while the supervisor lives: for the beginning of a recording."""
    return {
        pool.name: {
            "kind": pool.kind,
            "route": str(pool.route),
            "languages": {language: str(route) for language, route in pool.languages.items()},
            "members": list(pool.members),
            "budget_bytes": pool.budget_bytes,
        }
        for pool in pools
    }


def pool_ticks(rows: Iterable[PoolRow]) -> dict[str, Json]:
    """By name, what moves: for each tick of a recording."""
    return {
        row.name: {
            "residents": list(row.residents),
            "hits": row.hits,
            "misses": row.misses,
            "claimed_bytes": row.claimed_bytes,
        }
        for row in rows
    }


def _processes(pool: Pool) -> Iterator[str]:
    """The names of the members' slots: an engine can have one beside its own."""
    for member in pool.members:
        yield from (member, heir_name(member), former_name(member))


def _claim(slots: Mapping[str, Slot], name: str) -> Claim | None:
    slot = slots.get(name)
    return None if slot is None else slot.claim
