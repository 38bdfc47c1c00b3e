"""Which engine a program asks that named none: of a kind, one that is ready and has least to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ipc import control
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import EngineRow
from ipc.states import Failed, Ready, Stopped

if TYPE_CHECKING:
    from ipc.client import Client


async def engine_for(client: Client, kind: str) -> str:
    """The name of an engine of that kind: one that is ready, else one that can be had.

    Raises:
        RequestFailed: there is none. ConnectionFailed
    """
    answer = await client.ask(control.Ps())
    name = chosen(answer.rows, kind) if isinstance(answer, control.Engines) else None
    if name is None:
        raise RequestFailed(
            Problem("No engine", f"No engine of kind {kind} is configured.", "Add one to engineroom.toml, then `up`.")
        )
    return name


def chosen(rows: Sequence[EngineRow], kind: str) -> str | None:
    """The engine to ask: one that is ready and has least to do, else one that can be had; None where none is."""
    least = min((row for row in rows if row.kind == kind), key=_reluctance, default=None)
    return None if least is None else least.name


def _reluctance(row: EngineRow) -> tuple[bool, bool, int]:
    """The least is asked."""
    off = isinstance(row.state, Failed) or row.state == Stopped("operator")
    units = row.state.units if isinstance(row.state, Ready) else 0
    return off, not isinstance(row.state, Ready), units
