"""Columns that go when there is no room for them; rows stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rich.cells import cell_len

from tui.ink import Line, Span, ending, fit, squeeze

GAP = 1
GUTTER = 3
"""Cursor or mark, glyph, space."""
_MARGIN = 1


@dataclass(frozen=True)
class Column:
    """One column. The highest `rank` goes first when it is narrow; one that `grows` takes what is left, at `most`.

    One of `ends` is cut at its beginning: what tells it from its neighbours stands at the end.
    """

    key: str
    title: str
    width: int
    rank: int = 0
    right: bool = False
    grows: bool = False
    most: int = 1000
    ends: bool = False


@dataclass(frozen=True)
class Reason:
    """A sentence in place of the cells from column `start` up to, not including, column `stop`; empty is the end."""

    start: str
    stop: str
    span: Span


@lru_cache(maxsize=64)
def columns_for(width: int, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns that fit into `width`, in order."""
    chosen = list(columns)
    while len(chosen) > 1 and _taken(chosen) > width and (worst := max(c.rank for c in chosen)) > 0:
        chosen.remove(next(c for c in reversed(chosen) if c.rank == worst))
    spare = width - _taken(chosen)
    return tuple(replace(c, width=max(1, min(c.most, c.width + spare))) if c.grows else c for c in chosen)


def title_row(columns: tuple[Column, ...], width: int, note: str = "") -> Line:
    """The head of the table for `width` columns; a `note` (what is scrolled away) takes the place of titles after the
    first: of the second, and of as many more as it needs."""
    shown = columns_for(width, columns)
    spans = [Span(" " * GUTTER)]
    if note and len(shown) > 1:
        told = f"{shown[0].title}  {note}"
        taken = next((n for n in range(2, len(shown)) if _width(shown[:n]) >= cell_len(told)), len(shown))
        spans += (Span(fit(told, _width(shown[:taken])), "dim"), Span(" " * GAP))
        shown = shown[taken:]
    for column in shown:
        spans += (Span(fit(column.title, column.width, column.right), "dim"), Span(" " * GAP))
    return Line(squeeze(spans[:-1], width))


def row(
    columns: tuple[Column, ...],
    width: int,
    gutter: tuple[Span, ...],
    cells: Mapping[str, tuple[Span, ...]],
    reason: Reason | None,
) -> Line:
    """One row, in `width` columns."""
    shown = columns_for(width, columns)
    place = {"": len(columns), **{column.key: index for index, column in enumerate(columns)}}
    covered = range(place[reason.start], place[reason.stop]) if reason else range(0)
    room = sum(column.width + GAP for column in shown if place[column.key] in covered) - GAP
    spans = list(gutter)
    told = False
    for column in shown:
        if reason and place[column.key] in covered:
            if not told:
                spans += (reason.span._replace(text=fit(reason.span.text, room)), Span(" " * GAP))
                told = True
            continue
        cell = cells[column.key]
        if column.ends:
            cell = tuple(span._replace(text=ending(span.text, column.width)) for span in cell)
        spans += (*squeeze(cell, column.width, column.right), Span(" " * GAP))
    return Line(squeeze(spans[:-1], width))


def needed(columns: Sequence[Column]) -> int:
    """How wide a row with all of these is."""
    return _taken(columns)


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width + GAP for column in columns) - GAP


def _taken(columns: Sequence[Column]) -> int:
    return GUTTER + _width(columns) + _MARGIN
