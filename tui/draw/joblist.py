"""The jobs: one row each with progress, rate and the time left."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ipc.snapshot import FINISHED, JobRow, JobState
from tui import measures
from tui.draw import job_words, table
from tui.draw.table import Column, Reason
from tui.ink import Line, Part, Span, Tone, clean, length, meter
from tui.store import Store

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
_BAR, _COUNT, _PROBLEMS = 14, 13, 11


def columns(ids: Collection[str], *, listening: bool = False) -> tuple[Column, ...]:
    """All columns, as wide as these ids need; `listening` where a job tells how sure it is of what it hears."""
    sure = [Column("confidence", "confidence", 10, rank=12, right=True)] if listening else []
    longest = max(map(len, ids), default=0)
    return (
        Column("job", "job", max(8, min(22, longest))),
        Column("state", "state", 10, rank=4),
        Column("what", "what", 18, rank=3, grows=True),
        Column("engine", "engine", 12, rank=9),
        Column("bar", "progress", _BAR, rank=2),
        Column("percent", "", 5, right=True),
        Column("count", "units", _COUNT, rank=7, right=True),
        Column("rate", "rate", 12, rank=8, right=True),
        *sure,
        Column("flying", "flight", 6, rank=10, right=True),
        Column("energy", "energy", 8, rank=11, right=True),
        Column("eta", " ETA", 10, rank=1),
        Column("problems", "problems", _PROBLEMS, rank=6, right=True),
    )


def job_row(store: Store, row: JobRow, columns_: tuple[Column, ...], width: int, mark: str) -> Line:
    """One job; `mark` is what stands in the gutter."""
    glyph, tone = _GLYPHS[row.state]
    over = row.state in FINISHED
    quiet: Tone = "dim" if over else "plain"
    shown = table.columns_for(width, columns_)
    word, priority = job_words.state(row)
    cells: dict[str, tuple[Span, ...]] = {
        "job": (Span(row.id, "dim" if over else "strong"),),
        "state": (
            Span(word, tone if tone in ("warn", "bad") else quiet),
            Span(f" {priority}" if priority else "", "accent"),
        ),
        "what": what(row, _room(shown, "what"), quiet),
        "engine": (Span(clean(row.engine or measures.UNKNOWN), "dim"),),
        "bar": bar(row, _BAR),
        "percent": (Span(job_words.percent(row), quiet),),
        "count": (Span(job_words.count(row, _COUNT), quiet),),
        "rate": (Span(job_words.rate(row), quiet),),
        "confidence": (Span(measures.confidence(row.confidence), quiet),),
        "flying": (Span(str(row.units_flying) if row.units_flying else measures.UNKNOWN, quiet),),
        "energy": (Span(measures.energy(row.joules), quiet),),
        "eta": (Span(job_words.end(row, store.unix), quiet),),
        "problems": (Span(job_words.problems(row, _PROBLEMS), "warn" if row.units_failed else "dim"),),
    }
    why = _reason_place(row, job_words.why(row, store.jobs), shown, "dim" if row.state == "queued" else tone)
    gutter = (Span(mark, "accent"), Span(glyph, tone), Span(" "))
    return table.row(columns_, width, gutter, cells, why)._replace(key=f"job:{row.id}")


def what(row: JobRow, width: int, tone: Tone) -> tuple[Span, ...]:
    """Its kind and what it is made from, in as many words as there is room for."""
    kind = Span(f"{row.kind:3} ", "dim")
    told = [Span(clean(text), tone) for text in job_words.sources(row)]
    return kind, next((span for span in told if length((kind, span)) <= width), told[-1])


def bar(row: JobRow, width: int) -> tuple[Span, ...]:
    """Done, failed, and what is left; an estimate never fills it."""
    units = job_words.total(row)
    if not units:
        return meter(width, [Part(job_words.fraction(row) or 0.0, "other")])
    tone: Tone = "meter" if row.state in ("running", "assembling") else "other"
    most = 1.0 if row.units_total is not None else (width - 1) / width
    done = min(most, row.units_done / units)
    return meter(width, [Part(done, tone), Part(min(most - done, row.units_failed / units), "warn")])


def _room(shown: Sequence[Column], key: str) -> int:
    return next((column.width for column in shown if column.key == key), 0)


def _reason_place(row: JobRow, why: str, shown: Sequence[Column], tone: Tone) -> Reason | None:
    """Why it waits or failed, behind its bar; over that too where nothing is done, or there is little room."""
    if not why:
        return None
    keys = [column.key for column in shown]
    told = why if "state" in keys else f"{row.state}: {why}"
    kept = "count" in keys and row.units_done
    return Reason("percent" if kept else "bar", "problems", Span(clean(told), tone))
