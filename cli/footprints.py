"""`footprints`: what was measured of every model ever loaded here."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from itertools import groupby

from cli import ledger_json, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import FootprintList, Footprints
from ipc.snapshot import FootprintRow

HEADS = ("  WHERE", "PEAK", "LOAD TIME", "LOADS", "LAST MEASURED")
WHERE_COLUMNS = 30


async def _footprints(session: Session, arguments: Namespace) -> Exit:
    rows = (await session.ask(Footprints(), FootprintList)).rows
    if arguments.json:
        say.document([ledger_json.footprint(row) for row in rows])
    else:
        for line in page(rows):
            say.data(line)
    return Exit.OK


def page(rows: Sequence[FootprintRow]) -> Iterator[str]:
    """Its lines: what was loaded, then where and how much, none wider than 80 columns."""
    if not rows:
        yield "Nothing was measured yet: no model was loaded here."
        return
    ordered = sorted(rows, key=_what)
    heads, *table = say.aligned([HEADS, *map(_cells, ordered)], right=frozenset({1, 2, 3}))
    pairs = zip(ordered, table, strict=True)
    for place, (what, group) in enumerate(groupby(pairs, key=lambda pair: _what(pair[0]))):
        if place:
            yield ""
        yield from words.folded(" · ".join(filter(None, what)), indent="")
        yield heads
        yield from (line for _, line in group)


def _what(row: FootprintRow) -> tuple[str, str, str, str]:
    return row.kind, row.model, row.quantization or words.UNKNOWN, row.shape


def _cells(row: FootprintRow) -> tuple[str, ...]:
    return (
        words.clipped(f"  {row.gpu or 'RAM'}", WHERE_COLUMNS),
        words.size(row.peak_bytes),
        words.span(row.load_seconds),
        str(row.loads),
        words.moment(row.measured_unix),
    )


VERB = Verb("footprints", "the memory that each model was measured to take", takes_json, looped(_footprints))
