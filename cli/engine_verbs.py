"""`start`, `stop`, `restart`, `load`, `unload`: one wish about one engine or several, each answered once it is so."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from cli import pricing, say
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc import control
from ipc.errors import Problem, RequestFailed


def _verb(
    name: str, help_: str, wish: Callable[[str], control.OneAnswer], *, ensures: bool, loads: bool = False
) -> Verb:
    """`ensures`: whether the wish makes sense with no supervisor running, so that one is started.

    `loads`: whether it may take memory, so that its price can be asked for.
    """

    async def run(session: Session, arguments: Namespace) -> Exit:
        if loads and arguments.dry_run:
            return await _quote(session, arguments)
        if ensures:
            await session.ensure()
        for engine in arguments.engine:
            say.note((await session.ask(wish(engine), control.Done)).text)
        return Exit.OK

    return Verb(name, help_, _loading_arguments if loads else _arguments, looped(run))


async def _quote(session: Session, arguments: Namespace) -> Exit:
    if len(arguments.engine) > 1:
        detail = "A price counts with what is loaded now, so the prices of several loads do not add up."
        raise RequestFailed(Problem("One at a time", detail, "Name one engine with --dry-run."))
    price = await session.ask(control.Quote(arguments.engine[0]), control.Price)
    pricing.show(price, as_json=arguments.json)
    return Exit.OK


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("engine", nargs="+", help="name of an engine (engineroom ps)")


def _loading_arguments(parser: ArgumentParser) -> None:
    _arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="only tell what it would take, and who would give way")
    takes_json(parser, "with --dry-run: print JSON (docs/json.md)")


VERBS = (
    _verb("start", "make an engine ready; gives a failed one a clean slate", control.Start, ensures=True, loads=True),
    _verb("stop", "let an engine finish its flight, then stop it; it stays stopped", control.Stop, ensures=False),
    _verb("restart", "stop an engine and start it again", control.Restart, ensures=True),
    _verb("load", "load an engine's model", control.Load, ensures=True, loads=True),
    _verb("unload", "give the model's memory back and keep the process", control.Unload, ensures=False),
)
