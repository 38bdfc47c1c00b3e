"""A table in the rows it was given: head, the rows around the cursor, and what is out of sight."""

from __future__ import annotations

from collections.abc import Sequence

from tui.draw.table import Column, title_row
from tui.ink import Line, Span, fit, line
from tui.selection import window


def listing(
    columns: tuple[Column, ...],
    lines: Sequence[Line],
    cursor: str,
    first: int,
    room: int,
    titled: bool,
    width: int,
    filter: str = "",  # noqa: A002 (the word on screen)
) -> tuple[list[Line], int]:
    """At most `room` of `lines` (and a head, if `titled`) around the one with key `cursor`, and the first shown.

    The head tells by what text the rows were filtered.
    """
    at = next((index for index, row in enumerate(lines) if row.key == cursor), None)
    first = window(len(lines), room, at, first)
    shown = [row._replace(lit=bool(cursor) and row.key == cursor) for row in lines[first : first + room]]
    cut = f"{first + 1}–{first + len(shown)} of {len(lines)}" if len(shown) < len(lines) else ""
    note = "  ".join(part for part in (f"/{filter}" if filter else "", cut) if part)
    head = [title_row(columns, width, note)] if titled else []
    return [*head, *shown], first


def empty(text: str, width: int) -> Line:
    """What stands where a list has no rows."""
    return line(Span(fit(f"   {text}", width), "dim"))
