"""GPUs as a person reads them in a table."""

from __future__ import annotations

from cli import say, words
from ipc.snapshot import GpuBook, GpuReading, Snapshot

HEADS = ("GPU", "NAME", "USED", "TOTAL", "CLAIMABLE", "BUSY", "TEMP", "POWER", "LIMIT", "CLOCK", "FAN", "NOTE")
PROCESS_HEADS = ("GPU", "PID", "PROCESS", "ENGINE", "USED")


def tables(whole: Snapshot) -> None:
    """Print every GPU and every process on one; or the sentence that says why there are none."""
    gpus = whole.gpus
    if not gpus:
        say.data(whole.fleet.problem or "The GPUs are being asked; there is no reading yet.")
        return
    books = {book.index: book for book in whole.ledger.gpus}
    say.table(HEADS, [_cells(one, books.get(one.index)) for one in gpus], right=frozenset(range(2, 11)))
    processes = [
        (str(one.index), str(each.pid), each.name or "(not to be seen from here)", each.holder or words.UNKNOWN,
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


def _remark(one: GpuReading, book: GpuBook | None) -> str:
    """Why no flight begins on it, and what is wrong with it or what slows it down; empty when all is well."""
    if one.problem:
        what = f"stale: {one.problem}" if one.stale else one.problem
    else:
        what = f"slowed: {', '.join(one.throttle)}" if one.throttle else ""
    return "; ".join(filter(None, (words.held("" if book is None else book.hold), what)))


def _cells(one: GpuReading, book: GpuBook | None) -> tuple[str, ...]:
    return (
        str(one.index),
        one.name or words.UNKNOWN,
        words.size(one.memory_used_bytes),
        words.size(one.memory_total_bytes),
        words.size(None if book is None else book.free_bytes),
        measured(one.utilisation_percent, "%"),
        measured(one.temperature_celsius, "°C"),
        measured(one.power_watts, "W"),
        measured(one.power_limit_watts, "W"),
        measured(one.sm_clock_mhz, "MHz"),
        measured(one.fan_percent, "%"),
        _remark(one, book),
    )
