"""GPUs as a recording holds them; the field names are those of `gpus --json` and `ledger --json`."""

from __future__ import annotations

from collections.abc import Iterable

from ipc.snapshot import GpuBook, GpuReading, Json


def gpu_header(readings: Iterable[GpuReading]) -> list[Json]:
    """What never changes."""
    return [
        {
            "index": one.index,
            "uuid": one.uuid,
            "name": one.name,
            "compute_capability": one.compute_capability,
            "memory_total_bytes": one.memory_total_bytes,
        }
        for one in readings
    ]


def gpu_ticks(readings: Iterable[GpuReading], books: Iterable[GpuBook]) -> dict[str, Json]:
    """One second's values, by index; the UUID is there because a recording can begin before the first reading."""
    book_of = {book.index: book for book in books}
    return {
        str(one.index): {
            "uuid": one.uuid,
            "stale": one.stale,
            "memory_used_bytes": one.memory_used_bytes,
            "utilisation_percent": one.utilisation_percent,
            "temperature_celsius": one.temperature_celsius,
            "power_watts": one.power_watts,
            "energy_joules": one.energy_joules,
            "sm_clock_mhz": one.sm_clock_mhz,
            "throttle": list(one.throttle),
            "processes": [
                {
                    "pid": process.pid,
                    "name": process.name,
                    "engine": process.engine,
                    "role": process.role,
                    "used_bytes": process.used_bytes,
                }
                for process in one.processes
            ],
            **(_booked(book_of[one.index]) if one.index in book_of else {}),
        }
        for one in readings
    }


def _booked(book: GpuBook) -> dict[str, Json]:
    """What the ledger says of it; claims by engine, of both its processes where it has two."""
    claimed: dict[str, Json] = {
        engine: sum(share.claimed_bytes for share in book.shares if share.engine == engine)
        for engine in dict.fromkeys(share.engine for share in book.shares)
    }
    return {
        "free_bytes": book.free_bytes,
        "pressure": book.pressure,
        "hold": book.hold,
        "withheld_bytes": book.withheld_bytes,
        "claimed_bytes": claimed,
    }
