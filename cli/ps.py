"""`ps`: the engines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence

from cli import json_shapes, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import Engines, Ps
from ipc.snapshot import EngineRow, PoolRow
from ipc.states import pid_of

HEADS = ("ENGINE", "KIND", "STATE", "PID", "MODEL", "QUANT", "GPU", "PAR", "RATE", "RSS", "RESTARTS", "NOTE")

POOL_HEADS = ("POOL", "KIND", "LOADED", "CLAIMED", "HITS", "OF", "ROUTE")


async def _ps(session: Session, arguments: Namespace) -> Exit:
    told = await session.ask(Ps(), Engines)
    if arguments.json:
        say.document([json_shapes.engine(row, told.pools) for row in told.rows])
    else:
        table(told.rows)
        pools(told.pools)
    return Exit.OK


def table(rows: Iterable[EngineRow]) -> None:
    """Print the engines."""
    say.table(HEADS, [_cells(row) for row in rows], right=frozenset({3, 7, 8, 9, 10}))


def pools(rows: Sequence[PoolRow]) -> None:
    """Print the pools, below the engines; nothing where there is none."""
    if rows:
        say.data("")
        say.table(POOL_HEADS, [line for row in rows for line in _pool_cells(row)], right=frozenset({2, 3, 4, 5}))


def _pool_cells(row: PoolRow) -> list[tuple[str, ...]]:
    came = row.hits + row.misses
    rate = words.UNKNOWN if row.hit_rate is None else f"{int(row.hit_rate * 100)} %"
    budget = "" if row.budget_bytes is None else f" of {words.size(row.budget_bytes)}"
    loaded, claimed = f"{len(row.residents)}/{len(row.members)}", f"{words.size(row.claimed_bytes)}{budget}"
    first = (row.name, row.kind, loaded, claimed, rate, f"{came:,}", row.route)
    return [first, *(("",) * 6 + (f"{language}: {route}",) for language, route in row.languages.items())]


def _cells(row: EngineRow) -> tuple[str, ...]:
    pid = pid_of(row.state)
    return (
        row.name,
        row.kind,
        words.state_of(row),
        words.UNKNOWN if pid is None else str(pid),
        row.model or words.UNKNOWN,
        row.quantization or words.UNKNOWN,
        ",".join(map(str, row.gpus)) or words.UNKNOWN,
        str(row.parallel or "auto"),
        words.rate(row.tokens_per_second, "tok"),
        words.size(row.rss_bytes),
        str(row.restarts),
        words.remark_of(row),
    )


VERB = Verb("ps", "list the engines", takes_json, looped(_ps))
