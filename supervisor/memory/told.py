"""What clients see of readings and books: of each process the engine that it is of, and its role. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec.structs import replace

from ipc.snapshot import GpuReading, Ledger, ProcessRole, Share

Holders: TypeAlias = Mapping[str, tuple[str, ProcessRole]]
"""Engine and role by the name under which the ledger keeps a process; only of those that are an engine's other one."""


def told_readings(readings: tuple[GpuReading, ...], holders: Holders) -> tuple[GpuReading, ...]:
    """With engines' names on their processes in place of the ledger's."""
    if not holders:
        return readings
    return tuple(
        replace(
            reading,
            processes=tuple(
                replace(one, engine=holders[one.engine][0], role=holders[one.engine][1])
                if one.engine in holders
                else one
                for one in reading.processes
            ),
        )
        for reading in readings
    )


def told_ledger(ledger: Ledger, holders: Holders) -> Ledger:
    """With engines' names on their shares in place of the ledger's own."""
    if not holders:
        return ledger
    gpus = tuple(replace(book, shares=_shares(book.shares, holders)) for book in ledger.gpus)
    host = ledger.host
    if host is not None:
        threads: dict[str, int] = {}
        for name, count in host.threads_claimed.items():
            engine = holders[name][0] if name in holders else name
            threads[engine] = threads.get(engine, 0) + count
        host = replace(host, shares=_shares(host.shares, holders), threads_claimed=threads)
    return replace(ledger, gpus=gpus, host=host)


def _shares(shares: tuple[Share, ...], holders: Holders) -> tuple[Share, ...]:
    return tuple(
        replace(one, engine=holders[one.engine][0], role=holders[one.engine][1]) if one.engine in holders else one
        for one in shares
    )
