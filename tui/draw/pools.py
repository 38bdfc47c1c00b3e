"""The pools, a line each below the engines: who takes what, who is loaded, and how often that spared a load."""

from __future__ import annotations

from ipc.snapshot import PoolRow
from tui import measures
from tui.draw.table import GUTTER
from tui.ink import Line, Span, Tone, clean, fit, length, squeeze

_NAME = 10
"""As wide as the engines' names are at least."""
_BETWEEN = 3


def pool_line(row: PoolRow, width: int) -> Line:
    """One pool: what must be cut is its route; what came to it so far says it whole, or in short."""
    head = Span(" " * GUTTER + fit(row.name, max(_NAME, len(row.name))) + " ", "strong")
    route = _route(row)
    for told in (*_said(row), ""):
        tail = [Span(" " * _BETWEEN + told, "dim")] if told else []
        if length([head, *route, *tail]) < width:
            return Line(squeeze([head, *route, *tail], width))
    return Line(squeeze([head, *route], width))


def _said(row: PoolRow) -> tuple[str, str]:
    came, here = row.hits + row.misses, len(row.residents)
    budget = f" · {measures.size(row.claimed_bytes)} of {measures.size(row.budget_bytes)}" if row.budget_bytes else ""
    if not came:
        return f"{here} of {len(row.members)} loaded{budget}", f"{here} loaded"
    rate = measures.percent(row.hit_rate)
    return f"{here} loaded{budget} · {rate} of {came:,} hits", f"{rate} hits"


def _route(row: PoolRow) -> list[Span]:
    """Engines without what they share with the pool's name, lit where they are loaded; bounds between them."""
    spans: list[Span] = []
    for number, part in enumerate(row.route.split(" < ")):
        if number % 2:
            spans.append(Span(f" ‹{part}› ", "dim"))
            continue
        for place, name in enumerate(part.split(" ")):
            tone: Tone = "ready" if name in row.residents else "plain"
            spans += [Span(" ")] if place else []
            spans.append(Span(clean(name.removeprefix(f"{row.name}-")), tone))
    return spans
