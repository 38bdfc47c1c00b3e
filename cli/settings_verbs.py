"""`knobs`, `set`, `unset`: an engine's settings, what a change costs, and changing them while it runs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import json_shapes, pricing, say, words
from cli.exits import Exit
from cli.paths_here import placed
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from config.errors import did_you_mean
from config.units import BadUnit, amount
from engines.settings import allowed
from ipc.client import expect
from ipc.control import Knobs, Price, SetKnobs, ShowKnobs
from ipc.errors import Problem, RequestFailed
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
    return await _change(session, arguments, dict(_assignment(text) for text in arguments.change))


async def _unset(session: Session, arguments: Namespace) -> Exit:
    return await _change(session, arguments, dict.fromkeys(arguments.key))


async def _change(session: Session, arguments: Namespace, changes: dict[str, Scalar]) -> Exit:
    async with session.connect() as client:
        knobs = expect(await client.ask(ShowKnobs(arguments.engine)), Knobs).rows
        meant = {name: _meant(session, name, value, knobs, arguments.engine) for name, value in changes.items()}
        wish = SetKnobs(arguments.engine, meant, arguments.dry_run)
        price = expect(await client.ask(wish), Price)
    pricing.show(price, as_json=arguments.json)
    return Exit.OK


def _assignment(text: str) -> tuple[str, str]:
    name, is_set, value = text.partition("=")
    if not (is_set and name):
        raise RequestFailed(Problem("Bad change", f"{text!r} is not KEY=VALUE.", "For example parallel=8."))
    return name, value


def _meant(session: Session, name: str, value: Scalar, knobs: tuple[Knob, ...], engine: str) -> Scalar:
    """`value` in the unit of the setting it is for; a file that is here with its whole path."""
    known = {knob.name: knob for knob in knobs}
    if name not in known:
        raise RequestFailed(Problem("Unknown setting", f"{engine} has no setting {name!r}.", did_you_mean(name, known)))
    if isinstance(value, str) and isinstance(known[name].default, str) and not known[name].choices:
        return placed(session, value)
    try:
        return amount(value, known[name].unit)
    except BadUnit as error:
        problem = Problem("Bad value", f"{engine}: {name} = {value!r}: {error.why}.", f"Write {error.write}.")
        raise RequestFailed(problem) from error


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
