"""The jobs: one row each with progress, rate and the time left."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from ipc.snapshot import JobRow, JobState
from tui import measures
from tui.draw import table
from tui.draw.table import Column, Reason
from tui.ink import Line, Part, Span, Tone, clean, meter

_GLYPHS: dict[JobState, tuple[str, Tone]] = {
    "queued": ("○", "dim"),
    "running": ("▶", "ready"),
    "paused": ("‖", "waiting"),
    "held": ("‖", "warn"),
    "assembling": ("◐", "waiting"),
    "done": ("✓", "ready"),
    "done with problems": ("✓", "warn"),
    "failed": ("✕", "bad"),
    "cancelled": ("–", "dim"),
}
_BAR = 20


def columns(ids: Collection[str]) -> tuple[Column, ...]:
    """All columns, as wide as these ids need."""
    longest = max(map(len, ids), default=0)
    return (
        Column("job", "job", max(8, min(22, longest))),
        Column("state", "state", 10, rank=4),
        Column("kind", "kind", 5, rank=8),
        Column("what", "what", 20, rank=3, grows=True),
        Column("bar", "progress", _BAR, rank=2),
        Column("percent", "", 5, right=True),
        Column("count", "units", 12, rank=5, right=True),
        Column("rate", "rate", 11, rank=6, right=True),
        Column("eta", "ETA", 9, rank=1, right=True),
        Column("problems", "problems", 8, rank=7, right=True),
    )


def job_row(row: JobRow, columns_: tuple[Column, ...], width: int, mark: str) -> Line:
    """One job; `mark` is what stands in the gutter."""
    glyph, tone = _GLYPHS[row.state]
    over = row.state in ("done", "cancelled", "failed", "done with problems")
    quiet: Tone = "dim" if over else "plain"
    word = "done" if row.state == "done with problems" else row.state
    cells: dict[str, tuple[Span, ...]] = {
        "job": (Span(row.id, "dim" if over else "strong"),),
        "state": (Span(word, tone if tone in ("warn", "bad") else quiet),),
        "kind": (Span(row.kind, quiet),),
        "what": (Span(clean(what(row)), quiet),),
        "bar": bar(row, _BAR),
        "percent": (Span(measures.percent(fraction(row)), quiet),),
        "count": (Span(f"{measures.count(row.units_done)}/{measures.count(row.units_total)}", quiet),),
        "rate": (Span(_rate(row), quiet),),
        "eta": (Span(_eta(row), quiet),),
        "problems": (Span(measures.count(row.units_failed) if row.units_failed else measures.UNKNOWN, _worry(row)),),
    }
    why = _reason_place(row, table.columns_for(width, columns_), tone)
    gutter = (Span(mark, "accent"), Span(glyph, tone), Span(" "))
    return table.row(columns_, width, gutter, cells, why)._replace(key=f"job:{row.id}")


def _reason_place(row: JobRow, shown: Sequence[Column], tone: Tone) -> Reason | None:
    """Why it waits or failed, behind its bar; over that too where nothing is done, or there is little room."""
    if not row.reason or row.state not in ("held", "failed"):
        return None
    keys = [column.key for column in shown]
    told = row.reason if "state" in keys else f"{row.state}: {row.reason}"
    kept = "count" in keys and row.units_done
    return Reason("percent" if kept else "bar", "problems", Span(clean(told), tone))


def what(row: JobRow) -> str:
    """What goes in and what comes out, by file name."""
    names = [os.path.basename(path.rstrip("/")) or path for path in row.inputs]
    source = names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}" if names else measures.UNKNOWN
    return f"{source} → {os.path.basename(row.output)}"


def fraction(row: JobRow) -> float | None:
    """How much of the job has ended, 0..1; None until it is planned to its end."""
    if row.units_total is None:
        return None
    return 1.0 if row.units_total == 0 else (row.units_done + row.units_failed) / row.units_total


def bar(row: JobRow, width: int) -> tuple[Span, ...]:
    """Done, failed, and what is left."""
    if not row.units_total:
        return meter(width, [Part(fraction(row) or 0.0, "other")])
    tone: Tone = "meter" if row.state in ("running", "assembling") else "other"
    done, failed = row.units_done / row.units_total, row.units_failed / row.units_total
    return meter(width, [Part(done, tone), Part(failed, "warn")])


def _rate(row: JobRow) -> str:
    if row.state != "running":
        return measures.UNKNOWN
    if row.tokens_per_second is None and row.units_per_second is not None:
        return measures.rate(row.units_per_second, "u/s")
    return measures.rate(row.tokens_per_second)


def _eta(row: JobRow) -> str:
    if row.finished_unix is not None:
        return measures.clock(row.finished_unix)
    return measures.eta(row.eta_seconds) if row.state == "running" else measures.UNKNOWN


def _worry(row: JobRow) -> Tone:
    return "warn" if row.units_failed else "dim"
