"""All that is known of each GPU, as a text to scroll through."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import GpuFleet, GpuProcess, GpuReading
from tui import measures
from tui.draw.gpus import meter_of, slow_tone
from tui.draw.owners import stranger
from tui.gpus import heat
from tui.ink import BLANK, Line, Span, Tone, clean, line, squeeze, wrap
from tui.store import Store

_NAMED = 11
_BAR = 30


def about(fleet: GpuFleet, count: int) -> str:
    """The driver and how many GPUs it sees, or why there are none."""
    versions = [f"driver {fleet.driver}" if fleet.driver else "", f"CUDA {fleet.cuda}" if fleet.cuda else ""]
    known = [measures.plural(count, "GPU") if count else "", *versions, fleet.problem]
    return clean(" · ".join(part for part in known if part)) or "nothing is known of GPUs here"


def gpu(store: Store, reading: GpuReading, width: int) -> Sequence[Line]:
    """One GPU: memory, heat, power, work, and every process on it."""
    facts = [part for part in (_compute(reading), _display(reading), _mig(reading)) if part]
    name = clean(reading.name) or measures.UNKNOWN
    title = (Span(f" GPU {reading.index}  {name}", "strong"), Span(f"   {' · '.join(facts)}", "dim"))
    lines = [Line(squeeze(title, width))]
    if reading.stale:
        said = f"no readings since {measures.clock(reading.unix)}: {reading.problem} What follows was last seen."
        lines += _fact("silent", said, width, "bad")
    elif reading.problem:
        lines += _fact("problem", reading.problem, width, "warn")
    memory = [f"{_gib(reading.memory_used_bytes)} / {_gib(reading.memory_total_bytes)} GiB", *_kept(reading)]
    bar = (Span(f"   {'memory':{_NAMED}}", "dim"), *meter_of(reading, min(_BAR, max(6, width // 4))), Span("  "))
    lines.append(Line(squeeze((*bar, Span(" · ".join(memory))), width)))
    lines += _fact("heat", _heat(reading), width, _WORRY[heat(reading)])
    lines += _fact("power", _power(reading), width)
    lines += _fact("work", _work(reading), width)
    past = store.gpu_past.work.get(reading.index, ())
    if any(value is not None for value in past):
        spark = measures.sparkline(past, max(1, min(60, width - 30)), top=100.0).lstrip()
        lines.append(
            Line(squeeze((Span(" " * (_NAMED + 3)), Span(spark, "meter"), Span("  one minute", "dim")), width))
        )
    if said := _link(reading):
        lines += _fact("PCIe", said, width)
    if reading.throttle:
        lines += _fact("slower by", ", ".join(reading.throttle), width, slow_tone(reading))
    if reading.ecc_uncorrected is not None:
        tone: Tone = "warn" if reading.ecc_uncorrected else "plain"
        lines += _fact("ECC", f"{reading.ecc_uncorrected:,} memory errors not corrected", width, tone)
    held = sorted(reading.processes, key=lambda one: (not one.engine, -(one.used_bytes or 0)))
    for process in held:
        lines.append(_process(process, width))
    if not held:
        lines += _fact("held by", "no process", width)
    return (*lines, BLANK)


_WORRY: dict[str, Tone] = {"": "plain", "warm": "warn", "hot": "bad"}


def _fact(name: str, said: str, width: int, tone: Tone = "plain") -> list[Line]:
    rows = wrap(clean(said), max(8, width - _NAMED - 4))
    named = [name, *[""] * (len(rows) - 1)]
    return [line(Span(f"   {word:{_NAMED}}", "dim"), Span(text, tone)) for word, text in zip(named, rows, strict=True)]


def _process(process: GpuProcess, width: int) -> Line:
    owner = f"{clean(process.engine)}  {clean(process.name)}({process.pid})" if process.engine else stranger(process)
    spans = (
        Span(f"   {'held by':{_NAMED}}", "dim"),
        Span(f"{measures.size(process.used_bytes):>6}  "),
        Span(owner, "plain" if process.engine else "dim"),
        Span("" if process.engine else "  none of ours", "dim"),
    )
    return Line(squeeze(spans, width))


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


def _whole(value: float | None) -> str:
    return measures.UNKNOWN if value is None else f"{value:.0f}"


def _gib(count: int | None) -> str:
    return measures.UNKNOWN if count is None else measures.gib(count)
