"""The GPUs: whose their memory is, heat, power, work. Two lines each, one, several in a line, or all in one."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import GpuReading
from tui import measures
from tui.allotment import Fleet, GpuForm
from tui.draw.owners import owners, shares
from tui.gpus import heat
from tui.ink import Line, Span, Tone, clean, fit, meter, spread, squeeze
from tui.store import Store

_MAKERS = ("NVIDIA ", "GeForce ", "Tesla ", "Quadro ")
_CELL = 38
_SHORT = {
    "power cap": "power",
    "hardware slowdown": "hardware",
    "sync boost": "sync",
    "software thermal slowdown": "heat",
    "hardware thermal slowdown": "heat",
    "power brake": "brake",
    "board limit": "board",
    "reliability": "voltage",
}


def fleet(store: Store, width: int) -> Fleet:
    """What the allotment must know of the GPUs."""
    return Fleet(len(store.gpus), width >= 100, max(1, width // _CELL), bool(store.fleet.problem))


def panel(store: Store, rows: int, form: GpuForm, width: int) -> list[Line]:
    """All GPUs in so many rows and this form."""
    if not rows:
        return []
    if not store.gpus:
        why = Span(clean(store.fleet.problem), "dim")
        return [Line(squeeze((Span(" GPU   none: ", "dim"), why), width))]
    match form:
        case "two lines":
            return [line for reading in store.gpus for line in two_lines(store, reading, width)]
        case "one line":
            return [one_line(store, reading, width) for reading in store.gpus]
        case "abreast":
            return _abreast(store, max(1, width // _CELL), width)
        case "summary":
            shown = _most_wanted(store, rows - 1)
            return [*(one_line(store, reading, width) for reading in shown), summary(store, width)]


def two_lines(store: Store, reading: GpuReading, width: int) -> tuple[Line, Line]:
    """Bar and numbers; whose memory it is, and why the card is slow."""
    quiet = reading.stale
    names = _name_width(store)
    used, total = _gib(reading.memory_used_bytes), _gib(reading.memory_total_bytes)
    tail = (
        Span(f"  {used:>5} / {total:>5} GiB ", "dim" if quiet else "plain"),
        *_temperature(reading, " °C "),
        *(Span(f"  {_whole(reading.power_watts):>4} W"), Span(f"  {_whole(reading.utilisation_percent):>3} %")),
        Span(f"  {_work(store, reading, 12)} ", "meter"),
    )
    head = (*_index(reading, "GPU ", 2), Span(fit(short_name(reading), names)), Span("  "))
    bar = meter_of(reading, max(6, min(40, width - _length(head) - _length(tail))))
    first = Line(squeeze(_dimmed((*head, *bar, *tail)) if quiet else (*head, *bar, *tail), width))
    indent = Span(" " * 8)
    if quiet:
        said = Span(f"▲ {_silence(reading)}", "bad")
        return first, Line(squeeze((indent, said, Span(f" · last seen: {_owned(reading)}", "dim")), width))
    slow = (Span(f"▼ {', '.join(reading.throttle)} ", slow_tone(reading)),) if reading.throttle else ()
    if not slow and reading.problem:
        slow = (Span(f"{clean(reading.problem)} ", "dim"),)
    return first, spread([(indent, *_owner_spans(reading))], slow or (Span(" "),), width)


def one_line(store: Store, reading: GpuReading, width: int) -> Line:
    """Bar and numbers, fewer where it is narrow."""
    named = width >= 100
    head = _index(reading, "GPU ", 2) if named else _index(reading, "GPU", 2)
    if named:
        head = (*head, Span(fit(short_name(reading), _name_width(store))), Span("  "))
    if reading.stale:
        return Line(squeeze((*_dimmed(head), Span(f"▲ {_silence(reading)}", "bad")), width))
    tail = [Span(_memory(reading)), *_temperature(reading, "°C")]
    if width >= 56:
        tail.append(Span(f" {_whole(reading.power_watts):>5} W"))
    tail.append(Span(f" {_whole(reading.utilisation_percent):>4} %"))
    if width >= 64:
        tail.append(Span(f"  {fit(_slow_word(reading), 10)}", slow_tone(reading)))
    if width >= 76:
        tail.append(Span(f" {_work(store, reading, 12 if named else 8)} ", "meter"))
    bar = meter_of(reading, max(4, min(40, width - _length(head) - _length(tail))))
    return Line(squeeze((*head, *bar, *tail), width))


def summary(store: Store, width: int) -> Line:
    """All GPUs in one line: memory, the warmest, power, and how many are silent."""
    live = [reading for reading in store.gpus if not reading.stale]
    told = [one for one in live if one.memory_used_bytes is not None and one.memory_total_bytes is not None]
    used = sum(one.memory_used_bytes or 0 for one in told) if told else None
    total = sum(one.memory_total_bytes or 0 for one in told) if told else None
    warmest = max(live, key=lambda one: one.temperature_celsius or 0.0, default=None)
    watts = [one.power_watts for one in live if one.power_watts is not None]
    spans = [Span(f" {measures.plural(len(store.gpus), 'GPU')}", "strong", "screen.gpus")]
    spans.append(Span(f"  {_short_gib(used)}/{_short_gib(total)} G "))
    if warmest is not None:
        spans += _temperature(warmest, "°C")
    if silent := len(store.gpus) - len(live):
        spans.append(Span(f" ▲ {silent} silent", "bad"))
    if watts:
        spans.append(Span(f"  {sum(watts):,.0f} W"))
    spans.append(Span("  d shows all", "dim"))
    return Line(squeeze(spans, width))


def meter_of(reading: GpuReading, width: int) -> tuple[Span, ...]:
    """A card's memory by owner: ours, others' (another glyph, for eyes without colour), free; dots where unknown."""
    if not reading.memory_total_bytes:
        return (Span("·" * width, "track"),)
    bar = meter(width, shares(reading))
    return tuple(span._replace(text=span.text.replace("▇", "▒")) if span.tone == "other" else span for span in bar)


def short_name(reading: GpuReading) -> str:
    """The model without its makers, such as `H100 80GB HBM3`."""
    name = clean(reading.name)
    for word in _MAKERS:
        name = name.removeprefix(word)
    return name or measures.UNKNOWN


def slow_tone(reading: GpuReading) -> Tone:
    """Reaching its power cap is a card's normal day."""
    return "warn" if any(reason not in ("power cap", "sync boost") for reason in reading.throttle) else "dim"


def _abreast(store: Store, columns: int, width: int) -> list[Line]:
    """Down each column, like the names in a directory."""
    rows = -(-len(store.gpus) // columns)
    cell = width // columns
    lines = []
    for row in range(rows):
        cells = [_cell(reading, cell) for reading in store.gpus[row::rows]]
        lines.append(Line(squeeze([span for spans in cells for span in spans], width)))
    return lines


def _cell(reading: GpuReading, width: int) -> tuple[Span, ...]:
    head = _index(reading, "", 2)
    if reading.stale:
        return squeeze((*_dimmed(head), Span("▲ gives no readings", "bad")), width)
    work = Span(f" {_whole(reading.utilisation_percent):>3} %")
    tail = (Span(_memory(reading)), *_temperature(reading, "°"), work)
    return squeeze((*head, *meter_of(reading, max(4, width - _length(head) - _length(tail) - 1)), *tail), width)


def _most_wanted(store: Store, rows: int) -> list[GpuReading]:
    """Those that need a look before the others, in the order of their index."""
    worst = sorted(store.gpus, key=lambda one: (not one.stale, not heat(one), one.index))[:rows]
    return sorted(worst, key=lambda one: one.index)


def _index(reading: GpuReading, word: str, width: int) -> tuple[Span, ...]:
    return (Span(f" {word}{reading.index:<{width}} ", "strong", "screen.gpus"),)


def _temperature(reading: GpuReading, unit: str) -> tuple[Span, Span]:
    tones: dict[str, Tone] = {"": "plain", "warm": "warn", "hot": "bad"}
    state = heat(reading)
    return Span(f" {_whole(reading.temperature_celsius):>3}{unit}", tones[state]), Span(
        "▲" if state else " ", tones[state]
    )


def _memory(reading: GpuReading) -> str:
    """`  61/80 G` in ten columns."""
    said = f"{_short_gib(reading.memory_used_bytes)}/{_short_gib(reading.memory_total_bytes)} G"
    return f" {said:>9}"


def _owner_spans(reading: GpuReading) -> list[Span]:
    held = owners(reading)
    if not held:
        return [Span("nobody holds memory" if reading.memory_used_bytes is not None else "", "dim")]
    spans: list[Span] = []
    for owner in held:
        spans.append(Span(" · " if spans else "", "dim"))
        spans.append(Span(f"{owner.words} {_gib(owner.used_bytes)}", "plain" if owner.ours else "dim"))
    return spans


def _owned(reading: GpuReading) -> str:
    return "".join(span.text for span in _owner_spans(reading)) or measures.UNKNOWN


def _silence(reading: GpuReading) -> str:
    return f"no readings since {measures.clock(reading.unix)}: {clean(reading.problem)}"


def _slow_word(reading: GpuReading) -> str:
    """The gravest reason, in one word."""
    if not reading.throttle:
        return ""
    reason = next((reason for reason in reading.throttle if "thermal" in reason), reading.throttle[0])
    return f"▼ {_SHORT.get(reason, reason)}"


def _work(store: Store, reading: GpuReading, width: int) -> str:
    return measures.sparkline(store.gpu_past.work.get(reading.index, ()), width, top=100.0)


def _dimmed(spans: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(span._replace(tone="dim") for span in spans)


def _name_width(store: Store) -> int:
    return max(4, min(16, max(len(short_name(reading)) for reading in store.gpus)))


def _length(spans: Sequence[Span]) -> int:
    return sum(len(span.text) for span in spans)


def _whole(value: float | None) -> str:
    return measures.UNKNOWN if value is None else f"{value:.0f}"


def _gib(count: int | None) -> str:
    return measures.UNKNOWN if count is None else measures.gib(count)


def _short_gib(count: int | None) -> str:
    if count is None:
        return measures.UNKNOWN
    return f"{count / measures.GIB:.0f}" if count >= 10 * measures.GIB else measures.gib(count)
