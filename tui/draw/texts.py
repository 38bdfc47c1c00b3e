"""Entries of long texts: log lines, happenings, help. Each lays itself out for a width."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import Happening, LogLine
from tui import measures
from tui.actions import ACTIONS, View, changes_something, shown
from tui.draw import news
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


def quiet(text: str, width: int) -> Sequence[Line]:
    """What stands where nothing is to be told."""
    return (line(Span(fit(f" {text}", width), "dim")),)


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
