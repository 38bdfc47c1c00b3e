"""A table in the rows it was given: head, the rows around the cursor, and what is out of sight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui import measures
from tui.draw.table import Column, title_row
from tui.ink import Line, Span, fit, line
from tui.selection import window


@dataclass(frozen=True)
class Table:
    """So many rows, each drawn when it is in sight and not before; `none` is said where there are none."""

    columns: tuple[Column, ...]
    total: int
    row: Callable[[int], Line]
    cursor: int | None
    none: str = ""


def listing(
    table: Table,
    first: int,
    room: int,
    titled: bool,
    width: int,
    filter: str = "",  # noqa: A002 (the word on screen)
) -> tuple[list[Line], int]:
    """A head, if `titled`, and at most `room` rows around the cursor; and the first row shown.

    The head tells by what text the rows were filtered.
    """
    total = table.total
    first = window(total, room, table.cursor, first)
    end = min(total, first + room)
    shown = [table.row(index)._replace(lit=index == table.cursor) for index in range(first, end)]
    cut = f"{first + 1:,}–{end:,} of {measures.count(total)}" if len(shown) < total else ""
    note = "  ".join(part for part in (f"/{filter}" if filter else "", cut) if part)
    head = [title_row(table.columns, width, note)] if titled else []
    return [*head, *(shown or [empty(table.none, width)])], first


def empty(text: str, width: int) -> Line:
    """What stands where a list has no rows."""
    return line(Span(fit(f"   {text}", width), "dim"))
