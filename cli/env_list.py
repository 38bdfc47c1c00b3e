"""`env list`: the environments that are there, how they stand, and which engines run in them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from cli import env_json, say, words
from cli.env_place import engines_configured, place
from cli.environments.here import machine_here
from cli.environments.lock import is_locked
from cli.environments.make import lock_of
from cli.environments.size import size_bytes
from cli.environments.standing import Standing, standing_of
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, takes_json
from engines.environments.record import stored

HEADS = ("NAME", "STATE", "SIZE", "MADE", "ENGINES")


def _run(session: Session, arguments: Namespace) -> Exit:
    folder, machine = place(session), machine_here()
    engines, wrong = engines_configured(session)
    if wrong is not None:
        say.problem(wrong)
    found = stored(folder)
    standings = [standing_of(one, found, machine, engines) for one in found]
    if arguments.json:
        say.document([env_json.environment(one) for one in standings])
    elif not standings:
        say.data(f"There is none in {folder}; `engineroom env sync KIND` makes one.")
    else:
        for line in _page(standings):
            say.data(line)
    return Exit.OK


def _page(standings: list[Standing]) -> Iterator[str]:
    """Its lines: a row for each, and under it what keeps it from being current, and its self-test."""
    heads, *rows = say.aligned([HEADS, *map(_cells, standings)], right=frozenset({2}))
    yield heads
    for one, row in zip(standings, rows, strict=True):
        yield row
        if one.why:
            yield from words.folded(f"{one.state}: {one.why}")
        if one.stored.environment is not None:
            yield from words.folded(f"self-test: {one.stored.environment.test.text}")


def _cells(one: Standing) -> tuple[str, ...]:
    made = one.stored.environment
    under_way = made is None and is_locked(lock_of(one.stored.folder))
    return (
        one.stored.name,
        "under way" if under_way else one.state,
        words.size(size_bytes(one.stored.folder)),
        words.UNKNOWN if made is None else words.moment(made.made_unix)[:-3],
        ", ".join(one.engines) or words.UNKNOWN,
    )


VERB = Verb("list", "the environments that are there, and which engines run in them", takes_json, _run)
