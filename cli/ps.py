"""`ps`: the engines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from cli import json_shapes, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import Engines, Ps
from ipc.snapshot import EngineRow
from ipc.states import pid_of

HEADS = ("ENGINE", "KIND", "STATE", "PID", "MODEL", "QUANT", "GPU", "PAR", "RATE", "RSS", "RESTARTS", "NOTE")


async def _ps(session: Session, arguments: Namespace) -> Exit:
    rows = (await session.ask(Ps(), Engines)).rows
    if arguments.json:
        say.document([json_shapes.engine(row) for row in rows])
    else:
        table(rows)
    return Exit.OK


def table(rows: Iterable[EngineRow]) -> None:
    """Print the engines."""
    say.table(HEADS, [_cells(row) for row in rows], right=frozenset({3, 7, 8, 9, 10}))


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
