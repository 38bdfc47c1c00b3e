"""`start`, `stop`, `restart`, `load`, `unload`: one wish about one engine or several, each answered once it is so."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from cli import say
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped
from ipc import control


def _verb(name: str, help_: str, wish: Callable[[str], control.OneAnswer], *, ensures: bool) -> Verb:
    """`ensures`: whether the wish makes sense with no supervisor running, so that one is started."""

    async def run(session: Session, arguments: Namespace) -> Exit:
        if ensures:
            await session.ensure()
        for engine in arguments.engine:
            say.note((await session.ask(wish(engine), control.Done)).text)
        return Exit.OK

    return Verb(name, help_, _arguments, looped(run))


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("engine", nargs="+", help="name of an engine (engineroom ps)")


VERBS = (
    _verb("start", "make an engine ready; gives a failed one a clean slate", control.Start, ensures=True),
    _verb("stop", "let an engine finish its flight, then stop it; it stays stopped", control.Stop, ensures=False),
    _verb("restart", "stop an engine and start it again", control.Restart, ensures=True),
    _verb("load", "load an engine's model", control.Load, ensures=True),
    _verb("unload", "give the model's memory back and keep the process", control.Unload, ensures=False),
)
