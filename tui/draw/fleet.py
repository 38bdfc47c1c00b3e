"""The engines: one row each, state by glyph and word."""

from __future__ import annotations

from collections.abc import Collection, Container

from ipc import states
from ipc.snapshot import EngineRow
from tui import measures
from tui.draw import engine_words, table
from tui.draw.table import Column, Reason
from tui.ink import Line, Span, Tone, clean, length
from tui.store import Store


def columns(names: Collection[str]) -> tuple[Column, ...]:
    """All columns, as wide as these names need."""
    longest = max(map(len, names), default=0)
    return (
        Column("engine", "engine", max(10, min(20, longest))),
        Column("state", "state", 18),
        Column("model", "model", 16, rank=6, grows=True),
        Column("quant", "quant", 5, rank=3),
        Column("gpu", "GPU", 3, rank=8),
        Column("rate", "rate", 11, rank=1, right=True),
        Column("units", "units", 7, rank=4, right=True),
        Column("ttft", "TTFT", 6, rank=10, right=True),
        Column("idle", "idle→", 10, rank=7, right=True),
        Column("cpu", "CPU", 6, rank=11, right=True),
        Column("rss", "RSS", 6, rank=5, right=True),
        Column("restarts", "restarts", 8, rank=9, right=True),
        Column("spark", "", 8, rank=2),
    )


def engine_row(store: Store, row: EngineRow, columns_: tuple[Column, ...], width: int, mark: str) -> Line:
    """One engine; `mark` is what stands in the gutter."""
    shown = {column.key: column.width for column in table.columns_for(width, columns_)}
    glyph, word, tone = engine_words.row_words(row, store.monotonic)
    ready = isinstance(row.state, states.Ready | states.Draining)
    quiet: Tone = "dim" if isinstance(row.state, states.Stopped) and tone == "dim" else "plain"
    cells: dict[str, tuple[Span, ...]] = {
        "engine": (Span(row.name, "strong" if quiet == "plain" else "dim"),),
        "state": (Span(clean(word), tone if tone in ("warn", "bad") else quiet),),
        "model": _model(row, shown.get("model", 0), quiet),
        "quant": (Span(clean(row.quantization or measures.UNKNOWN), quiet),),
        "gpu": (Span(_where(row), quiet),),
        "rate": (Span(measures.rate(row.tokens_per_second if ready else None), quiet),),
        "units": (Span(engine_words.units(row), quiet),),
        "ttft": (Span(measures.latency(row.ttft_seconds if ready else None), quiet),),
        "idle": (Span(engine_words.when_idle(row), "dim"),),
        "cpu": (Span(measures.UNKNOWN if row.cpu_percent is None else f"{row.cpu_percent:.0f} %", quiet),),
        "rss": (Span(measures.size(row.rss_bytes), quiet),),
        "restarts": (Span(str(row.restarts), "warn" if row.restarts else "dim"),),
        "spark": (Span(measures.sparkline(store.rates.get(row.name, ()), 8), "meter"),),
    }
    sentence = engine_words.reason(row)
    why = _reason_place(row, shown, Span(clean(sentence), "bad" if tone == "bad" else "dim"))
    gutter = (Span(mark, "accent"), Span(glyph, tone), Span(" "))
    return table.row(columns_, width, gutter, cells, why)._replace(key=f"engine:{row.name}")


def _reason_place(row: EngineRow, shown: Container[str], span: Span) -> Reason | None:
    """A reason takes the cells that say nothing of a row without model or process, or least of one with both."""
    if not span.text:
        return None
    start = "rate" if row.model else "model"
    if isinstance(row.state, states.Starting | states.Loading):
        return Reason(start, "idle" if row.model else "gpu", span)
    if states.pid_of(row.state) is not None:
        return Reason(start, "cpu" if "idle" in shown else "" if row.hold else "restarts", span)
    return Reason(start, "restarts" if "restarts" in shown else "", span)


def _model(row: EngineRow, width: int, quiet: Tone) -> tuple[Span, ...]:
    """Its name, and what it says of itself, or what was chosen beside the precision, where there is room for both."""
    name = Span(clean(row.model or measures.UNKNOWN), quiet)
    if isinstance(row.state, states.Ready | states.Draining):
        for words in engine_words.beside_model(row):
            more = Span(f" · {clean(words)}", "dim")
            if length([name, more]) <= width:
                return name, more
    return (name,)


def _where(row: EngineRow) -> str:
    if row.gpus:
        return ",".join(map(str, row.gpus))
    return measures.UNKNOWN if states.pid_of(row.state) is None else "CPU"
