"""`knobs`, `set`, `unset`: an engine's settings, what a change costs, and changing them while it runs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import json_shapes, pricing, say, words
from cli.assignments import assignment, meant
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from engines.settings import allowed
from ipc.client import expect
from ipc.control import Knobs, Price, SetKnobs, ShowKnobs
from ipc.snapshot import Knob, Scalar


async def _knobs(session: Session, arguments: Namespace) -> Exit:
    rows = (await session.ask(ShowKnobs(arguments.engine), Knobs)).rows
    if arguments.json:
        say.document([json_shapes.knob(row) for row in rows])
        return Exit.OK
    say.table(
        ("SETTING", "VALUE", "TAKES", "APPLIES", "WHAT IT IS"),
        [(row.name, words.setting(row.value), allowed(row), row.applies, _help(row)) for row in rows],
    )
    return Exit.OK


async def _set(session: Session, arguments: Namespace) -> Exit:
    return await _change(session, arguments, dict(assignment(text) for text in arguments.change))


async def _unset(session: Session, arguments: Namespace) -> Exit:
    return await _change(session, arguments, dict.fromkeys(arguments.key))


async def _change(session: Session, arguments: Namespace, changes: dict[str, Scalar]) -> Exit:
    async with session.connect() as client:
        knobs = expect(await client.ask(ShowKnobs(arguments.engine)), Knobs).rows
        changed = {name: meant(session, name, value, knobs, arguments.engine) for name, value in changes.items()}
        wish = SetKnobs(arguments.engine, changed, arguments.dry_run)
        price = expect(await client.ask(wish), Price)
    pricing.show(price, as_json=arguments.json)
    return Exit.OK


def _help(knob: Knob) -> str:
    return f"{knob.help} (recommended: {knob.recommendation})" if knob.recommendation else knob.help


def _knobs_arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("engine")


def _change_arguments(parser: ArgumentParser) -> None:
    _knobs_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="only tell the price")


def _set_arguments(parser: ArgumentParser) -> None:
    _change_arguments(parser)
    parser.add_argument("change", nargs="+", metavar="KEY=VALUE", help="5m, 90s, 4 GiB are understood")


def _unset_arguments(parser: ArgumentParser) -> None:
    _change_arguments(parser)
    parser.add_argument("key", nargs="+", metavar="KEY", help="back to what file and environment say")


VERBS = (
    Verb("knobs", "list an engine's settings", _knobs_arguments, looped(_knobs)),
    Verb("set", "change settings while it runs; they stay", _set_arguments, looped(_set)),
    Verb("unset", "undo `set`", _unset_arguments, looped(_unset)),
)
