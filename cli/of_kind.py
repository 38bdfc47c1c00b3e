"""The engine that a verb is for: it must be there, and of the kind that can do it."""

from __future__ import annotations

from collections.abc import Iterable

from config.errors import did_you_mean
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import EngineRow


def of_kind(rows: Iterable[EngineRow], name: str, kind: str, *, cannot: str, with_: str) -> EngineRow:
    """The row of that name; `cannot` and `with_` are words for one of another kind: `Does not chat`, `Chat with`.

    Raises:
        RequestFailed: there is no such engine, or it is of another kind.
    """
    known = {row.name: row for row in rows}
    able = [row.name for row in known.values() if row.kind == kind]
    if name not in known:
        raise RequestFailed(Problem("No such engine", f"No engine is named {name!r}.", did_you_mean(name, able)))
    if known[name].kind != kind:
        hint = f"{with_} one of these: {', '.join(able)}." if able else f"Add an engine of kind {kind}."
        raise RequestFailed(Problem(cannot, f"{name} is of kind {known[name].kind}, not {kind}.", hint))
    return known[name]
