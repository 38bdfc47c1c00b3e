"""Entries of long texts: log lines, happenings, help, the problems of a job. Each lays itself out for a width."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import Happening, JobDetail, LogLine, UnitProblem
from tui import measures
from tui.actions import ACTIONS, View, changes_something, shown
from tui.draw import news
from tui.draw.knobs import show
from tui.ink import BLANK, Line, Span, Tone, clean, fit, line, wrap

_CLOCK = 10


def log_line(entry: LogLine, width: int) -> Sequence[Line]:
    """A line an engine printed; what the supervisor adds stands out."""
    tone: Tone = "accent" if entry.stream == "supervisor" else "plain"
    return _clocked(entry.unix, Span(clean(entry.text), tone), Span(" "), width)


def happening(entry: Happening, width: int) -> Sequence[Line]:
    """A decision or fact with its whole sentence."""
    glyph: dict[str, Span] = {"info": Span(" "), "warning": Span("▴", "warn"), "error": Span("✕", "bad")}
    return _clocked(entry.unix, Span(news.sentence(entry)), glyph[entry.severity], width)


def heading(text: str, width: int) -> Sequence[Line]:
    """A title between parts."""
    return (BLANK, line(Span(fit(f" {text}", width), "strong")))


def pair(name: str, value: str, width: int) -> Sequence[Line]:
    """A name and what it is."""
    rows = wrap(clean(value), max(8, width - 26)) or [""]
    return tuple(
        line(Span(f" {name if index == 0 else '':22}  ", "dim"), Span(text)) for index, text in enumerate(rows)
    )


def quiet(text: str, width: int) -> Sequence[Line]:
    """What stands where nothing is to be told."""
    return (line(Span(fit(f" {text}", width), "dim")),)


def unit_problem(entry: UnitProblem, width: int) -> Sequence[Line]:
    """What was set aside, why, the way out, and the engine's last words."""
    lines = [line(Span(" ▴ ", "warn"), Span(clean(f"{entry.where}: {entry.problem.title}"), "warn"))]
    said = f"{entry.problem.detail} {entry.problem.hint}".strip()
    lines += [line(Span(f"   {text}")) for text in wrap(clean(said), max(8, width - 4))]
    for tail in entry.log_tail[-10:]:
        lines += [line(Span(f"   │ {text}", "dim")) for text in wrap(clean(tail), max(8, width - 6))]
    return lines


def numbers(detail: JobDetail) -> list[tuple[str, str]]:
    """What was measured, named."""
    row, told = detail.row, detail.numbers
    return [
        ("engine", row.engine or measures.UNKNOWN),
        ("from", ", ".join(row.inputs)),
        ("to", row.output),
        ("units", f"{measures.count(row.units_done)} of {measures.count(row.units_total)}, {row.units_failed} failed"),
        ("tokens", measures.count(row.tokens)),
        ("rate of one unit", measures.rate(told.tokens_per_second)),
        (
            "first token p50 · p95",
            f"{measures.latency(told.ttft_p50_seconds)} · {measures.latency(told.ttft_p95_seconds)}",
        ),
        ("attempts", measures.count(told.attempts)),
        ("submitted", measures.clock(row.submitted_unix)),
        ("finished", measures.UNKNOWN if row.finished_unix is None else measures.clock(row.finished_unix)),
    ]


def settings(detail: JobDetail) -> str:
    """The settings it was submitted under, on one line."""
    return " · ".join(f"{name} {show(value)}" for name, value in detail.settings.items())


def help_rows(readonly: bool, width: int) -> Sequence[Line]:
    """Every action with its keys."""
    lines: list[Line] = []
    for action in ACTIONS:
        if isinstance(action, View) and not action.listed:
            continue
        off = readonly and changes_something(action)
        keys = ", ".join(shown(action.keys))
        rows = wrap(action.help, max(8, width - 26))
        for index, text in enumerate(rows):
            first = index == 0
            lines.append(
                line(
                    Span(f"  {keys if first else '':10}", "rule" if off else "key"),
                    Span(f"{action.word if first else '':12}", "rule" if off else "plain"),
                    Span(text, "rule" if off else "dim"),
                )
            )
    move = "j k, arrows, g G, pgup pgdn move; tab goes from engines to jobs; esc goes back; the mouse works too."
    lines += [BLANK, *(line(Span(f"  {text}", "dim")) for text in wrap(move, max(8, width - 4)))]
    if readonly:
        lines += [BLANK, line(Span("  This dashboard is read-only: what changes anything is off.", "waiting"))]
    return lines


def _clocked(unix: float, text: Span, glyph: Span, width: int) -> Sequence[Line]:
    rows = wrap(text.text, max(8, width - _CLOCK - 2))
    head = line(Span(f" {measures.clock(unix)} ", "dim"), glyph, Span(" "), text._replace(text=rows[0]))
    return (head, *(line(Span(" " * (_CLOCK + 2)), text._replace(text=row)) for row in rows[1:]))
