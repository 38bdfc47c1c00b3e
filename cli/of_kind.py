"""The engine that a verb is for, or one of the pool: it must be there, and of the kind that can do it."""

from __future__ import annotations

from collections.abc import Iterable

from config.errors import did_you_mean
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import EngineRow
from ipc.states import Ready


def of_kind(rows: Iterable[EngineRow], name: str, kind: str, *, cannot: str, with_: str) -> EngineRow:
    """The row of that name, or that of an engine in the pool of that name: one that is ready, else the first.

    `cannot` and `with_` are words for one of another kind: `Does not chat`, `Chat with`.

    Raises:
        RequestFailed: there is no such engine, or it is of another kind.
    """
    rows = tuple(rows)
    able = list(dict.fromkeys(called for row in rows if row.kind == kind for called in (row.name, *row.pools)))
    found = sorted((row for row in rows if name in (row.name, *row.pools)), key=lambda row: not _is_ready(row))
    if not found:
        raise RequestFailed(Problem("No such engine", f"No engine is named {name!r}.", did_you_mean(name, able)))
    if found[0].kind != kind:
        hint = f"{with_} one of these: {', '.join(able)}." if able else f"Add an engine of kind {kind}."
        raise RequestFailed(Problem(cannot, f"{name} is of kind {found[0].kind}, not {kind}.", hint))
    return found[0]


def _is_ready(row: EngineRow) -> bool:
    return isinstance(row.state, Ready) and not row.hold
