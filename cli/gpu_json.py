"""GPUs in `--json`, field by field: promised to scripts and documented in docs/json.md."""

from __future__ import annotations

from cli import job_json, json_shapes, ledger_json
from ipc.snapshot import GpuReading, Json, Snapshot


def gpus(whole: Snapshot) -> list[Json]:
    """`engineroom gpus`."""
    claimable = {book.index: book.free_bytes for book in whole.ledger.gpus}
    return [_gpu(one, claimable.get(one.index)) for one in whole.gpus]


def _gpu(one: GpuReading, claimable_bytes: int | None) -> Json:
    return {
        "index": one.index,
        "uuid": one.uuid,
        "name": one.name,
        "compute_capability": one.compute_capability,
        "unix": one.unix,
        "stale": one.stale,
        "problem": one.problem,
        "memory_total_bytes": one.memory_total_bytes,
        "memory_used_bytes": one.memory_used_bytes,
        "memory_reserved_bytes": one.memory_reserved_bytes,
        "claimable_bytes": claimable_bytes,
        "utilisation_percent": one.utilisation_percent,
        "memory_utilisation_percent": one.memory_utilisation_percent,
        "temperature_celsius": one.temperature_celsius,
        "memory_temperature_celsius": one.memory_temperature_celsius,
        "slowdown_celsius": one.slowdown_celsius,
        "power_watts": one.power_watts,
        "power_limit_watts": one.power_limit_watts,
        "energy_joules": one.energy_joules,
        "sm_clock_mhz": one.sm_clock_mhz,
        "memory_clock_mhz": one.memory_clock_mhz,
        "fan_percent": one.fan_percent,
        "throttle": list(one.throttle),
        "pcie_tx_bytes_per_second": one.pcie_tx_bytes_per_second,
        "pcie_rx_bytes_per_second": one.pcie_rx_bytes_per_second,
        "ecc_uncorrected": one.ecc_uncorrected,
        "display_active": one.display_active,
        "mig": list(one.mig),
        "persistence": one.persistence,
        "processes": [
            {
                "pid": each.pid,
                "name": each.name,
                "engine": each.engine or None,
                "role": each.role,
                "used_bytes": each.used_bytes,
            }
            for each in one.processes
        ],
    }


def top(whole: Snapshot) -> Json:
    """`engineroom top`."""
    host = whole.host
    return {
        "unix": whole.unix,
        "host": {
            "name": whole.supervisor.host,
            "cpu_percent": host.cpu_percent,
            "load_1m": host.load_1m,
            "ram_used_bytes": host.ram_used_bytes,
            "ram_total_bytes": host.ram_total_bytes,
            "swap_used_bytes": host.swap_used_bytes,
            "swap_total_bytes": host.swap_total_bytes,
            "disk_free_bytes": host.disk_free_bytes,
            "disk_total_bytes": host.disk_total_bytes,
        },
        "driver": {"version": whole.fleet.driver, "cuda": whole.fleet.cuda, "problem": whole.fleet.problem},
        "gpus": gpus(whole),
        "ledger": ledger_json.ledger(whole.ledger),
        "engines": [json_shapes.engine(row, whole.pools) for row in whole.engines],
        "jobs": [job_json.job(row) for row in whole.jobs],
    }
