"""The GPUs: whose their memory is, heat, power, work. Two lines each, one, several in a line, or all in one."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import GpuBook, GpuReading
from tui import measures
from tui.allotment import Fleet, GpuForm
from tui.draw import conditions
from tui.draw.facts import gib
from tui.draw.owners import Owner, owners, parts, shorter
from tui.gpus import heat
from tui.ink import Line, Span, Tone, clean, fit, length, meter, spread, squeeze
from tui.ledger import book_of, extent
from tui.store import Store

_MAKERS = ("NVIDIA ", "GeForce ", "Tesla ", "Quadro ")
_CELL = 38


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
    quiet, book = reading.stale, book_of(store.ledger, reading)
    names = _name_width(store)
    used, total = map(gib, extent(reading, book))
    tail = (
        Span(f"  {used:>5} / {total:>5} GiB ", "dim" if quiet else "plain"),
        *_temperature(reading, " °C "),
        *(Span(f"  {_whole(reading.power_watts):>4} W"), Span(f"  {_whole(reading.utilisation_percent):>3} %")),
        Span(f"  {_work(store, reading, 12)} ", "meter"),
    )
    head = (*_index(reading, "GPU ", 2), Span(fit(short_name(reading), names)), Span("  "))
    bar = meter_of(reading, book, max(6, min(40, width - length(head) - length(tail))))
    first = Line(squeeze(_dimmed((*head, *bar, *tail)) if quiet else (*head, *bar, *tail), width))
    indent = Span(" " * 8)
    if quiet:
        silence = Span(f"▲ {_silence(reading)}", "bad")
        seen = "".join(span.text for span in owner_spans(owners(reading, None, {}))) or measures.UNKNOWN
        return first, Line(squeeze((indent, silence, Span(f" · last seen: {seen}", "dim")), width))
    held = owners(reading, book, store.engines)
    lefts = [(indent, *owner_spans(one)) for one in shorter(held)]
    if not held:
        nobody = "nobody holds memory" if reading.memory_used_bytes is not None else ""
        lefts = [(indent, Span(nobody, "dim"))]
    return first, _beside(lefts, conditions.said(reading, book), width)


def one_line(store: Store, reading: GpuReading, width: int) -> Line:
    """Bar and numbers, fewer where it is narrow."""
    named = width >= 100
    head = _index(reading, "GPU ", 2) if named else _index(reading, "GPU", 2)
    if named:
        head = (*head, Span(fit(short_name(reading), _name_width(store))), Span("  "))
    if reading.stale:
        return Line(squeeze((*_dimmed(head), Span(f"▲ {_silence(reading)}", "bad")), width))
    book = book_of(store.ledger, reading)
    tail = [Span(_memory(reading, book)), *_temperature(reading, "°C")]
    if width >= 56:
        tail.append(Span(f" {_whole(reading.power_watts):>5} W"))
    tail.append(Span(f" {_whole(reading.utilisation_percent):>4} %"))
    if width >= 64:
        word = conditions.word(reading, book)
        tail.append(word._replace(text=f"  {fit(word.text, 10)}"))
    if width >= 76:
        tail.append(Span(f" {_work(store, reading, 12 if named else 8)} ", "meter"))
    bar = meter_of(reading, book, max(4, min(40, width - length(head) - length(tail))))
    return Line(squeeze((*head, *bar, *tail), width))


def summary(store: Store, width: int) -> Line:
    """All GPUs in one line: memory, the warmest, power, and how many are silent or held."""
    live = [reading for reading in store.gpus if not reading.stale]
    books = [book_of(store.ledger, reading) for reading in live]
    extents = [extent(*pair) for pair in zip(live, books, strict=True)]
    told = [(used, total) for used, total in extents if used is not None and total is not None]
    used, total = (sum(used for used, _ in told), sum(total for _, total in told)) if told else (None, None)
    warmest = max(live, key=lambda one: one.temperature_celsius or 0.0, default=None)
    watts = [one.power_watts for one in live if one.power_watts is not None]
    spans = [Span(f" {measures.plural(len(store.gpus), 'GPU')}", "strong", "screen.gpus")]
    spans.append(Span(f"  {_short_gib(used)}/{_short_gib(total)} G "))
    if warmest is not None:
        spans += _temperature(warmest, "°C")
    if silent := len(store.gpus) - len(live):
        spans.append(Span(f" ▲ {silent} silent", "bad"))
    if held := sum(1 for book in books if book is not None and book.hold):
        spans.append(Span(f" ‖ {held} held", "warn"))
    if watts:
        spans.append(Span(f"  {sum(watts):,.0f} W"))
    spans.append(Span("  d shows all", "dim"))
    return Line(squeeze(spans, width))


def meter_of(reading: GpuReading, book: GpuBook | None, width: int) -> tuple[Span, ...]:
    """A card's memory by owner, each with a glyph of its own, for eyes without colour; dots where unknown."""
    bar = parts(reading, book)
    return meter(width, bar) if bar else (Span("·" * width, "track"),)


def owner_spans(held: Sequence[Owner]) -> list[Span]:
    """Who and how many GiB, after one another."""
    spans: list[Span] = []
    for owner in held:
        spans.append(Span(" · " if spans else "", "dim"))
        spans.append(Span(owner.mark, "meter"))
        spans.append(Span(f"{owner.words} {'~' if owner.estimated else ''}{gib(owner.used_bytes)}", owner.tone))
        spans.append(Span(f" ({owner.note})" if owner.note else "", "dim"))
    return [span for span in spans if span.text]


def short_name(reading: GpuReading) -> str:
    """The model without its makers, such as `H100 80GB HBM3`."""
    name = clean(reading.name)
    for word in _MAKERS:
        name = name.removeprefix(word)
    return name or measures.UNKNOWN


def _abreast(store: Store, columns: int, width: int) -> list[Line]:
    """Down each column, like the names in a directory."""
    rows = -(-len(store.gpus) // columns)
    cell = width // columns
    lines = []
    for row in range(rows):
        cells = [_cell(reading, book_of(store.ledger, reading), cell) for reading in store.gpus[row::rows]]
        lines.append(Line(squeeze([span for spans in cells for span in spans], width)))
    return lines


def _cell(reading: GpuReading, book: GpuBook | None, width: int) -> tuple[Span, ...]:
    head = _index(reading, "", 2)
    if reading.stale:
        return squeeze((*_dimmed(head), Span("▲ gives no readings", "bad")), width)
    work = Span(f" {_whole(reading.utilisation_percent):>3} %")
    hold = Span("‖" if book is not None and book.hold else " ", "warn")
    tail = (Span(_memory(reading, book)), *_temperature(reading, "°"), work, hold)
    return squeeze((*head, *meter_of(reading, book, max(4, width - length(head) - length(tail))), *tail), width)


def _beside(lefts: Sequence[Sequence[Span]], rights: Sequence[Sequence[Span]], width: int) -> Line:
    """The richest of both, the left before the right, that fit together; else the poorest."""
    for left in lefts:
        for right in rights:
            if length(left) + length(right) < width:
                return spread([left], right, width)
    return spread(lefts[-1:], rights[-1], width)


def _most_wanted(store: Store, rows: int) -> list[GpuReading]:
    """Those that need a look before the others, in the order of their index."""

    def calm(one: GpuReading) -> tuple[bool, bool, int]:
        book = book_of(store.ledger, one)
        return not one.stale, not heat(one) and not (book and book.hold), one.index

    return sorted(sorted(store.gpus, key=calm)[:rows], key=lambda one: one.index)


def _index(reading: GpuReading, word: str, width: int) -> tuple[Span, ...]:
    return (Span(f" {word}{reading.index:<{width}} ", "strong", "screen.gpus"),)


def _temperature(reading: GpuReading, unit: str) -> tuple[Span, Span]:
    tones: dict[str, Tone] = {"": "plain", "warm": "warn", "hot": "bad"}
    state = heat(reading)
    return Span(f" {_whole(reading.temperature_celsius):>3}{unit}", tones[state]), Span(
        "▲" if state else " ", tones[state]
    )


def _memory(reading: GpuReading, book: GpuBook | None) -> str:
    """`  61/80 G` in ten columns."""
    used, total = extent(reading, book)
    said = f"{_short_gib(used)}/{_short_gib(total)} G"
    return f" {said:>9}"


def _silence(reading: GpuReading) -> str:
    return f"no readings since {measures.clock(reading.unix)}: {clean(reading.problem)}"


def _work(store: Store, reading: GpuReading, width: int) -> str:
    return measures.sparkline(store.gpu_past.work.get(reading.index, ()), width, top=100.0)


def _dimmed(spans: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(span._replace(tone="dim") for span in spans)


def _name_width(store: Store) -> int:
    return max(4, min(16, max(len(short_name(reading)) for reading in store.gpus)))


def _whole(value: float | None) -> str:
    return measures.UNKNOWN if value is None else f"{value:.0f}"


def _short_gib(count: int | None) -> str:
    if count is None:
        return measures.UNKNOWN
    return f"{count / measures.GIB:.0f}" if count >= 10 * measures.GIB else measures.gib(count)
