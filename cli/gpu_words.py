"""GPUs as a person reads them in a table."""

from __future__ import annotations

from collections.abc import Iterable

from cli import say, words
from ipc.snapshot import GpuFleet, GpuReading

HEADS = ("GPU", "NAME", "USED", "TOTAL", "BUSY", "TEMP", "POWER", "LIMIT", "CLOCK", "FAN", "NOTE")
PROCESS_HEADS = ("GPU", "PID", "PROCESS", "ENGINE", "USED")


def tables(fleet: GpuFleet, readings: Iterable[GpuReading]) -> None:
    """Print every GPU and every process on one; or the sentence that says why there are none."""
    gpus = tuple(readings)
    if not gpus:
        say.data(fleet.problem or "The GPUs are being asked; there is no reading yet.")
        return
    say.table(HEADS, [_cells(one) for one in gpus], right=frozenset(range(2, 10)))
    processes = [
        (str(one.index), str(each.pid), each.name or "(not to be seen from here)", each.engine or words.UNKNOWN,
         words.size(each.used_bytes))
        for one in gpus
        for each in one.processes
    ]  # fmt: skip
    if processes:
        say.data("")
        say.table(PROCESS_HEADS, processes, right=frozenset({1, 4}))


def measured(value: float | None, unit: str) -> str:
    """`67 °C`."""
    return words.UNKNOWN if value is None else f"{value:.0f} {unit}"


def remark(one: GpuReading) -> str:
    """What is wrong with it, or what slows it down; empty when all is well."""
    if one.problem:
        return f"stale: {one.problem}" if one.stale else one.problem
    return f"slowed: {', '.join(one.throttle)}" if one.throttle else ""


def _cells(one: GpuReading) -> tuple[str, ...]:
    return (
        str(one.index),
        one.name or words.UNKNOWN,
        words.size(one.memory_used_bytes),
        words.size(one.memory_total_bytes),
        measured(one.utilisation_percent, "%"),
        measured(one.temperature_celsius, "°C"),
        measured(one.power_watts, "W"),
        measured(one.power_limit_watts, "W"),
        measured(one.sm_clock_mhz, "MHz"),
        measured(one.fan_percent, "%"),
        remark(one),
    )
