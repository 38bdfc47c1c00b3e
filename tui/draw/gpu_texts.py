"""All that is known of each GPU, as a text to scroll through."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import GpuFleet, GpuProcess, GpuReading
from tui import measures
from tui.draw import book_texts
from tui.draw.conditions import slow_tone
from tui.draw.facts import NAMED, fact, gib, holding, memory, size
from tui.draw.gpus import meter_of
from tui.draw.owners import stranger
from tui.gpus import heat
from tui.ink import BLANK, Line, Span, Tone, clean, squeeze
from tui.ledger import alarms_of_gpu, book_of, extent
from tui.store import Store


def about(fleet: GpuFleet, count: int) -> str:
    """The driver and how many GPUs it sees, or why there are none."""
    versions = [f"driver {fleet.driver}" if fleet.driver else "", f"CUDA {fleet.cuda}" if fleet.cuda else ""]
    known = [measures.plural(count, "GPU") if count else "", *versions, fleet.problem]
    return clean(" · ".join(part for part in known if part)) or "nothing is known of GPUs here"


def gpu(store: Store, reading: GpuReading, width: int) -> Sequence[Line]:
    """One GPU: memory, heat, power, work, and every process on it."""
    facts = [part for part in (_compute(reading), _display(reading), _mig(reading), _persistence(reading)) if part]
    name = clean(reading.name) or measures.UNKNOWN
    title = (Span(f" GPU {reading.index}  {name}", "strong"), Span(f"   {' · '.join(facts)}", "dim"))
    lines = [Line(squeeze(title, width))]
    if reading.stale:
        said = f"no readings since {measures.clock(reading.unix)}: {reading.problem} What follows was last seen."
        lines += fact("silent", said, width, "bad")
    elif reading.problem:
        lines += fact("problem", reading.problem, width, "warn")
    book = book_of(store.ledger, reading)
    used, total = map(gib, extent(reading, book))
    bar = meter_of(reading, book, min(book_texts.BAR, max(6, width // 4)))
    lines += book_texts.alarms(alarms_of_gpu(store.ledger, reading.index), width)
    lines.append(memory(bar, [f"{used} / {total} GiB", *_kept(reading)], width))
    lines += book_texts.of_gpu(book, width) if book else []
    lines += fact("heat", _heat(reading), width, _WORRY[heat(reading)])
    lines += fact("power", _power(reading), width)
    lines += fact("work", _work(reading), width)
    past = store.gpu_past.work.get(reading.index, ())
    if any(value is not None for value in past):
        spark = measures.sparkline(past, max(1, min(60, width - 30)), top=100.0).lstrip()
        lines.append(Line(squeeze((Span(" " * (NAMED + 3)), Span(spark, "meter"), Span("  one minute", "dim")), width)))
    if said := _link(reading):
        lines += fact("PCIe", said, width)
    if reading.throttle:
        lines += fact("slower by", ", ".join(reading.throttle), width, slow_tone(reading))
    if reading.ecc_uncorrected is not None:
        tone: Tone = "warn" if reading.ecc_uncorrected else "plain"
        lines += fact("ECC", f"{reading.ecc_uncorrected:,} memory errors not corrected", width, tone)
    held = sorted(reading.processes, key=lambda one: (not one.engine, -(one.used_bytes or 0)))
    for process in held:
        lines.append(_process(process, width))
    if not held:
        lines += fact("held by", "no process", width)
    return (*lines, BLANK)


_WORRY: dict[str, Tone] = {"": "plain", "warm": "warn", "hot": "bad"}


def _process(process: GpuProcess, width: int) -> Line:
    command = stranger(process.name, process.pid)
    who = [Span(f"{clean(process.holder)}  {command}")] if process.engine else [Span(f"{command}  none of ours", "dim")]
    return holding("held by", size(process.used_bytes), who, width)


def _kept(reading: GpuReading) -> list[str]:
    reserved = reading.memory_reserved_bytes
    return [] if reserved is None else [f"the driver keeps {measures.size(reserved)}"]


def _heat(reading: GpuReading) -> str:
    known = [f"{_whole(reading.temperature_celsius)} °C"]
    if reading.memory_temperature_celsius is not None:
        known.append(f"memory {reading.memory_temperature_celsius:.0f} °C")
    if reading.slowdown_celsius is not None:
        known.append(f"slows itself down at {reading.slowdown_celsius:.0f} °C")
    if reading.fan_percent is not None:
        known.append(f"fan {reading.fan_percent:.0f} %")
    return " · ".join(known)


def _power(reading: GpuReading) -> str:
    limit = "" if reading.power_limit_watts is None else f" of {reading.power_limit_watts:.0f} W"
    said = f"{_whole(reading.power_watts)} W{limit}"
    if reading.energy_joules is None:
        return said
    return f"{said} · {_energy(reading.energy_joules)} since the driver was loaded"


def _energy(joules: float) -> str:
    hours = joules / 3600
    return f"{hours:,.0f} Wh" if hours < 1000 else f"{hours / 1000:,.1f} kWh"


def _work(reading: GpuReading) -> str:
    known = [f"{_whole(reading.utilisation_percent)} %"]
    if reading.memory_utilisation_percent is not None:
        known.append(f"memory read or written {reading.memory_utilisation_percent:.0f} % of the time")
    if reading.sm_clock_mhz is not None:
        known.append(f"chip {reading.sm_clock_mhz:,} MHz")
    if reading.memory_clock_mhz is not None:
        known.append(f"memory {reading.memory_clock_mhz:,} MHz")
    return " · ".join(known)


def _link(reading: GpuReading) -> str:
    """What goes over PCIe; the card sends (tx) what the host gets."""
    to, from_ = reading.pcie_rx_bytes_per_second, reading.pcie_tx_bytes_per_second
    return "" if to is None and from_ is None else f"in {_per_second(to)} · out {_per_second(from_)}"


def _per_second(value: float | None) -> str:
    return measures.UNKNOWN if value is None else f"{measures.size(round(value))}/s"


def _compute(reading: GpuReading) -> str:
    return f"compute {reading.compute_capability}" if reading.compute_capability else ""


def _display(reading: GpuReading) -> str:
    return "drives a display" if reading.display_active else ""


def _mig(reading: GpuReading) -> str:
    return measures.plural(len(reading.mig), "MIG device") if reading.mig else ""


def _persistence(reading: GpuReading) -> str:
    return "" if reading.persistence is None else f"persistence {'on' if reading.persistence else 'off'}"


def _whole(value: float | None) -> str:
    return measures.UNKNOWN if value is None else f"{value:.0f}"
