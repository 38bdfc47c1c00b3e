"""The runs of a job: since when it was on which engine, how much was done there, and which settings differed."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import RunRow, Scalar
from tui import measures
from tui.draw import table
from tui.draw.knobs import show
from tui.draw.table import Column, title_row
from tui.ink import BLANK, Line, Span, clean

_COLUMNS = (
    Column("run", "run", 5),
    Column("since", "since", 9),
    Column("engine", "engine", 16),
    Column("units", "units", 9, right=True),
    Column("settings", "settings that differ", 20, rank=1, grows=True),
)
SHOWN = 8
"""The latest ones; what changed before that is in the events."""


def lines(runs: Sequence[RunRow], now: float, width: int) -> list[Line]:
    """Head and rows, oldest first; nothing where there was no run."""
    if not runs:
        return []
    differ = differing(runs)
    rows = [_row(run, differ[index], now, width) for index, run in enumerate(runs)][-SHOWN:]
    note = f"{len(runs) - SHOWN:,} earlier" if len(runs) > SHOWN else ""
    return [BLANK, title_row(_COLUMNS, width, note), *rows]


def differing(runs: Sequence[RunRow]) -> list[dict[str, Scalar]]:
    """For each run, the settings that are not the same in all of them."""
    names = {name for run in runs for name in run.settings}
    unsteady = {name for name in names if any(run.settings.get(name) != runs[0].settings.get(name) for run in runs)}
    return [{name: value for name, value in run.settings.items() if name in unsteady} for run in runs]


def _row(run: RunRow, differs: dict[str, Scalar], now: float, width: int) -> Line:
    told = " · ".join(f"{name} {show(value)}" for name, value in differs.items())
    cells: dict[str, tuple[Span, ...]] = {
        "run": (Span(str(run.number), "dim"),),
        "since": (Span(measures.moment(run.since_unix, now)),),
        "engine": (Span(clean(run.engine)),),
        "units": (Span(measures.count(run.units)),),
        "settings": (Span(clean(told) or measures.UNKNOWN, "plain" if told else "dim"),),
    }
    return table.row(_COLUMNS, width, (Span("   "),), cells, None)
