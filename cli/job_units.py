"""`job units`: every unit of a job, however many there are."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from typing import get_args

from cli import job_json, job_words, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.client import Client, expect
from ipc.control import ShowUnits, UnitPage
from ipc.snapshot import UnitRow, UnitState

HEADS = ("#", "UNIT", "WHERE", "STATE", "TRY", "RUN", "TOKENS", "TIME", "SPEED", "ENERGY")
SURE = "CONFIDENCE"
"""Where the first units told it."""
NAME_COLUMNS, WHERE_COLUMNS = 10, 14
STATES: tuple[UnitState, ...] = get_args(UnitState)


async def _units(session: Session, arguments: Namespace) -> Exit:
    columns = say.Columns(right=frozenset({0, 4, 5, 6, 7, 8, 9, 10}))
    heads: list[tuple[str, ...]] | None = None
    sure = False
    async with session.connect() as client:
        async for rows in pages(client, arguments.id, tuple(arguments.only)):
            if arguments.json:
                for row in rows:
                    say.record(job_json.unit(row))
                continue
            if heads is None:
                sure = any(row.confidence is not None for row in rows)
                heads = [(*HEADS, *([SURE] if sure else []))]
            for line in columns.lines([*heads, *(_cells(row, sure=sure) for row in rows)]):
                say.data(line)
            heads = []
    return Exit.OK


async def pages(client: Client, id_: str, states: tuple[UnitState, ...] = ()) -> AsyncIterator[tuple[UnitRow, ...]]:
    """The units in order, up to 1,000 at a time; raises what `Client.ask` raises."""
    last = -1
    while True:
        page = expect(await client.ask(ShowUnits(id_, last, states=states)), UnitPage)
        yield page.rows
        if page.last or not page.rows:
            return
        last = page.rows[-1].index


def _cells(row: UnitRow, *, sure: bool) -> tuple[str, ...]:
    return (
        str(row.index),
        words.clipped(row.name or words.UNKNOWN, NAME_COLUMNS),
        words.ending(row.where, WHERE_COLUMNS),
        row.state,
        str(row.attempts),
        words.count(row.run),
        words.count(row.tokens),
        words.span(row.seconds),
        job_words.speed_of_unit(row),
        words.energy(row.joules),
        *([words.confidence(row.confidence)] if sure else []),
    )


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser, "print one JSON document a line (docs/json.md)")
    parser.add_argument("id", metavar="ID", help="a job's id (engineroom jobs)")
    parser.add_argument(
        "--state",
        dest="only",
        action="append",
        default=[],
        choices=STATES,
        metavar="STATE",
        help=f"only units in this state: {', '.join(STATES)}; may be repeated (the supervisor's state folder is told"
        " before the verb: engineroom --state DIR job units ID)",
    )


VERB = Verb("units", "list a job's units: where from, how they went, what they took", _arguments, looped(_units))
