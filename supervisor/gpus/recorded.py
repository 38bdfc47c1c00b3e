"""GPUs as a recording holds them; the field names are those of `engineroom gpus --json`."""

from __future__ import annotations

from collections.abc import Iterable

from ipc.snapshot import GpuReading, Json


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


def gpu_ticks(readings: Iterable[GpuReading]) -> dict[str, Json]:
    """One second's values, by index; the UUID is there because a recording can begin before the first reading."""
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
                {"pid": process.pid, "name": process.name, "engine": process.engine, "used_bytes": process.used_bytes}
                for process in one.processes
            ],
        }
        for one in readings
    }
