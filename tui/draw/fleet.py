"""The engines: one row each, state by glyph and word."""

from __future__ import annotations

from collections.abc import Collection

from ipc import states
from ipc.snapshot import EngineRow
from tui import measures
from tui.draw import table
from tui.draw.table import Column, Reason
from tui.ink import Line, Span, Tone, clean
from tui.store import Store


def columns(names: Collection[str]) -> tuple[Column, ...]:
    """All columns, as wide as these names need."""
    longest = max(map(len, names), default=0)
    return (
        Column("engine", "engine", max(10, min(20, longest))),
        Column("state", "state", 16),
        Column("model", "model", 8, rank=6, grows=True),
        Column("quant", "quant", 5, rank=3),
        Column("gpu", "GPU", 3, rank=8),
        Column("rate", "rate", 11, rank=1, right=True),
        Column("flights", "flights", 7, rank=4, right=True),
        Column("ttft", "TTFT", 6, rank=7, right=True),
        Column("cpu", "CPU", 6, rank=9, right=True),
        Column("rss", "RSS", 6, rank=5, right=True),
        Column("restarts", "restarts", 8, rank=10, right=True),
        Column("spark", "", 8, rank=2),
    )


def engine_row(store: Store, row: EngineRow, columns_: tuple[Column, ...], width: int, mark: str) -> Line:
    """One engine; `mark` is what stands in the gutter."""
    glyph, word, tone = state_words(row.state, store.monotonic)
    ready = isinstance(row.state, states.Ready | states.Draining)
    flights = row.state.flights if isinstance(row.state, states.Ready | states.Draining) else 0
    quiet: Tone = "dim" if isinstance(row.state, states.Stopped) else "plain"
    cells: dict[str, tuple[Span, ...]] = {
        "engine": (Span(row.name, "strong" if quiet == "plain" else "dim"),),
        "state": (Span(word, tone if tone in ("warn", "bad") else quiet),),
        "model": (Span(clean(row.model or measures.UNKNOWN), quiet),),
        "quant": (Span(row.quantization or measures.UNKNOWN, quiet),),
        "gpu": (Span(_where(row), quiet),),
        "rate": (Span(measures.rate(row.tokens_per_second if ready else None), quiet),),
        "flights": (Span(str(flights) if ready else measures.UNKNOWN, quiet),),
        "ttft": (Span(measures.latency(row.ttft_seconds if ready else None), quiet),),
        "cpu": (Span(measures.UNKNOWN if row.cpu_percent is None else f"{row.cpu_percent:.0f} %", quiet),),
        "rss": (Span(measures.size(row.rss_bytes), quiet),),
        "restarts": (Span(str(row.restarts), "warn" if row.restarts else "dim"),),
        "spark": (Span(measures.sparkline(store.rates.get(row.name, ()), 8), "meter"),),
    }
    sentence = reason(row)
    why = _reason_place(row, columns_, width, Span(clean(sentence), "bad" if tone == "bad" else "dim"))
    gutter = (Span(mark, "accent"), Span(glyph, tone), Span(" "))
    return table.row(columns_, width, gutter, cells, why)._replace(key=f"engine:{row.name}")


def _reason_place(row: EngineRow, columns_: tuple[Column, ...], width: int, span: Span) -> Reason | None:
    """A reason takes the cells that say nothing of a row without model or process."""
    if not span.text:
        return None
    start = "rate" if row.model else "model"
    if states.pid_of(row.state) is not None:
        return Reason(start, "cpu", span)
    shown = {column.key for column in table.columns_for(width, columns_)}
    return Reason(start, "restarts" if "restarts" in shown else "", span)


def _where(row: EngineRow) -> str:
    if row.gpus:
        return ",".join(map(str, row.gpus))
    return measures.UNKNOWN if states.pid_of(row.state) is None else "CPU"


def reason(row: EngineRow) -> str:
    """Why an engine that does not work is as it is; empty for one that does."""
    match row.state:
        case states.Failed(cause) | states.Backoff(_, _, cause):
            return cause
        case states.Stopped("operator"):
            return row.note or "stays so until you start it"
        case states.Stopped():
            return row.note or "starts on demand"
        case states.Stopping(_, _, why):
            return why
        case states.Cold():
            return row.note or "no model loaded; loads on demand"
        case states.Draining(_, purpose, _):
            return f"finishes its flight before the {purpose}"
        case _:
            return ""


def state_words(state: states.EngineState, monotonic: float) -> tuple[str, str, Tone]:
    """Glyph, words and tone of a state; `monotonic` is the supervisor's clock now."""
    match state:
        case states.Stopped("never started"):
            return "○", "not started", "dim"
        case states.Stopped(why):
            return "○", f"stopped · {why}", "dim"
        case states.Starting():
            return "◔", "starting", "waiting"
        case states.Cold(_, residue):
            return "◌", f"cold · {measures.size(residue)} left" if residue else "cold", "waiting"
        case states.Loading(_, fraction):
            return "◐", "loading" if fraction is None else f"loading {measures.percent(fraction)}", "waiting"
        case states.Ready(_, _, flights):
            return "●", "ready · busy" if flights else "ready", "ready"
        case states.Draining(_, purpose, _):
            return "◑", f"drains · {purpose}", "waiting"
        case states.Stopping(_, rung, _):
            return "◒", f"stopping · {rung}", "warn" if rung == "kill" else "waiting"
        case states.Backoff(_, until, _):
            left = round(until - monotonic)
            return "↻", f"again in {left} s" if left > 0 else "again now", "warn"
        case states.Failed():
            return "✕", "failed", "bad"
