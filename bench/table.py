"""Markdown tables: a cell nobody could measure is `—`, and the reason stands below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

UNKNOWN = "—"


def head(columns: Sequence[str], words: int = 1) -> None:
    """The head of a table whose first `words` columns are text."""
    print(f"\n| {' | '.join(columns)} |")
    print("|" + "---|" * words + "---:|" * (len(columns) - words))


def line(*cells: str) -> None:
    """One line, at once."""
    print(f"| {' | '.join(cells)} |", flush=True)


def number(value: float | None, digits: int = 0) -> str:
    """A figure."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def ratio(value: float | None, aim: float | None = None) -> str:
    """A figure that is to be at least `aim`."""
    if value is None:
        return UNKNOWN
    return f"**{value:.2f}**" + ("" if aim is None else f" (aim: {aim:g})")


def reasons(failed: Mapping[str, str]) -> None:
    """Why cells are empty."""
    for name, reason in failed.items():
        print(f"\n{name} took no part: {reason}.")
