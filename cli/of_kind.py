"""The engine that a verb is for, or one of the pool: there, of the kind that can do it, and able to start."""

from __future__ import annotations

from collections.abc import Iterable

from cli import say, words
from config.errors import did_you_mean
from ipc.client import Client, expect
from ipc.control import Engines, Ps
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import EngineRow
from ipc.states import Failed, Ready, Stopped


def of_kind(rows: Iterable[EngineRow], name: str, kind: str, *, cannot: str, with_: str) -> EngineRow:
    """The row of that name, or that of an engine in the pool of that name: one that is ready, else one that starts.

    `cannot` and `with_` are words for one of another kind: `Does not chat`, `Chat with`.

    Raises:
        RequestFailed: there is no such engine, or it is of another kind.
    """
    rows = tuple(rows)
    able = list(dict.fromkeys(called for row in rows if row.kind == kind for called in (row.name, *row.pools)))
    found = sorted((row for row in rows if name in (row.name, *row.pools)), key=_reluctance)
    if not found:
        raise RequestFailed(Problem("No such engine", f"No engine is named {name!r}.", did_you_mean(name, able)))
    if found[0].kind != kind:
        hint = f"{with_} one of these: {', '.join(able)}." if able else f"Add an engine of kind {kind}."
        raise RequestFailed(Problem(cannot, f"{name} is of kind {found[0].kind}, not {kind}.", hint))
    return found[0]


def _reluctance(row: EngineRow) -> tuple[bool, bool]:
    return _is_off(row), not isinstance(row.state, Ready) or bool(row.hold)


def _is_off(row: EngineRow) -> bool:
    return row.state == Stopped("operator") or isinstance(row.state, Failed)


async def ready_soon(client: Client, name: str, kind: str, *, cannot: str, with_: str) -> None:
    """That it can be asked, and whether one has to wait for it.

    Raises:
        RequestFailed: as `of_kind`, or it does not start by itself.
    """
    row = of_kind(expect(await client.ask(Ps()), Engines).rows, name, kind, cannot=cannot, with_=with_)
    if _is_off(row):
        detail = f"{row.name} is {words.state_of(row)}, so it does not start by itself."
        raise RequestFailed(Problem("Does not run", detail, f"engineroom start {row.name}"))
    if not isinstance(row.state, Ready):
        say.note(f"{row.name} is {words.state_of(row)}: its model is loaded first")
