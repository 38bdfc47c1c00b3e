"""Why a GPU is held, full or slow: in one word, or in as many as there is room for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import GpuBook, GpuReading, Pressure
from tui.ink import Span, Tone, clean
from tui.ledger import hold_sentence

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
_PRESSURE: dict[Pressure, Tone] = {"high": "dim", "critical": "warn"}
"""Where it is worth a word; a full card with one engine is a normal day."""


def said(reading: GpuReading, book: GpuBook | None) -> list[Sequence[Span]]:
    """All of it, then what matters of it, then the gravest alone: never empty."""
    found = [*_held(book), *_pressed(book)]
    if reading.throttle:
        found.append(Span(f"▼ {', '.join(reading.throttle)}", slow_tone(reading)))
    if not found and reading.problem:
        found.append(Span(clean(reading.problem), "dim"))
    grave = [span for span in found if span.tone != "dim"]
    return [_joined(spans) for spans in (found, grave or found[:1], (grave or found)[:1])]


def word(reading: GpuReading, book: GpuBook | None) -> Span:
    """The gravest in ten columns: held, slowed by heat, pressed, slowed by something else."""
    if book is not None and book.hold:
        return Span("‖ held", "warn")
    tone = slow_tone(reading)
    if reading.throttle and tone == "warn":
        reason = next((reason for reason in reading.throttle if "thermal" in reason), reading.throttle[0])
        return Span(f"▼ {_SHORT.get(reason, reason)}", tone)
    if book is not None and book.pressure in _PRESSURE:
        return Span(f"▴ mem {book.pressure[:4]}", _PRESSURE[book.pressure])
    return Span(f"▼ {_SHORT.get(reading.throttle[0], reading.throttle[0])}" if reading.throttle else "", tone)


def pressure(level: Pressure) -> list[Span]:
    """`pressure high`, `pressure critical`; nothing below."""
    return [Span(f"pressure {level}", _PRESSURE[level])] if level in _PRESSURE else []


def slow_tone(reading: GpuReading) -> Tone:
    """Reaching its power cap is a card's normal day."""
    return "warn" if any(reason not in ("power cap", "sync boost") for reason in reading.throttle) else "dim"


def _held(book: GpuBook | None) -> list[Span]:
    return [Span(f"‖ held: {clean(hold_sentence(book.hold))}", "warn")] if book is not None and book.hold else []


def _pressed(book: GpuBook | None) -> list[Span]:
    return [] if book is None else pressure(book.pressure)


def _joined(found: Sequence[Span]) -> Sequence[Span]:
    spans = [part for span in found for part in (Span(" · ", "dim"), span)][1:]
    return [*spans, Span(" ")]
