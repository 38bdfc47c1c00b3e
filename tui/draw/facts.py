"""A fact: its name, and what is said of it, in as many rows as that needs."""

from __future__ import annotations

from collections.abc import Sequence

from tui import measures
from tui.ink import Line, Span, Tone, clean, line, squeeze, wrap

NAMED = 11
"""Columns of the name."""


def fact(name: str, said: str, width: int, tone: Tone = "plain", named: Tone = "dim") -> list[Line]:
    """A sentence, wrapped; `named` is the tone of its name."""
    rows = wrap(clean(said), max(8, width - NAMED - 4))
    names = [name, *[""] * (len(rows) - 1)]
    return [line(Span(f"   {word:{NAMED}}", named), Span(text, tone)) for word, text in zip(names, rows, strict=True)]


def holding(name: str, size: str, who: Sequence[Span], width: int) -> Line:
    """So much memory, and whose it is; sizes stand below each other."""
    return Line(squeeze((Span(f"   {name:{NAMED}}", "dim"), Span(f"{size:>7}  "), *who), width))


def memory(bar: Sequence[Span], known: Sequence[str], width: int) -> Line:
    """A bar with its numbers."""
    return Line(squeeze((Span(f"   {'memory':{NAMED}}", "dim"), *bar, Span(f"  {' · '.join(known)}")), width))


def gib(count: int | None) -> str:
    """A bare number of GiB, or a dash."""
    return measures.UNKNOWN if count is None else measures.gib(count)


def size(count: int | None) -> str:
    """Bytes so fine that sums can be checked: `38.4 G`, `307 M`, or a dash."""
    return measures.size(count) if count is None or abs(count) < measures.GIB else f"{measures.gib(count)} G"
