"""What a verb is: a name, a line of help, its arguments, and what it does."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from cli.exits import Exit
from cli.session import Session


@dataclass(frozen=True)
class Verb:
    """One verb of the command line; `run` raises EngineRoomError when it cannot.

    One with verbs `below` it is only the first word of theirs.
    """

    name: str
    help: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Session, Namespace], Exit]
    below: tuple[Verb, ...] = ()


def family(name: str, help_: str, below: tuple[Verb, ...]) -> Verb:
    """The first word of the verbs `below`."""

    def unsaid(session: Session, arguments: Namespace) -> Exit:
        raise AssertionError(f"the parser lets nobody say {name} alone")

    return Verb(name, help_, takes_json, unsaid, below)


def looped(run: Callable[[Session, Namespace], Awaitable[Exit]]) -> Callable[[Session, Namespace], Exit]:
    """`run` inside an event loop of its own."""

    def blocking(session: Session, arguments: Namespace) -> Exit:
        return anyio.run(run, session, arguments)

    return blocking


def nothing(parser: ArgumentParser) -> None:
    """The arguments of a verb that has none."""


def takes_json(parser: ArgumentParser, help: str = "print JSON (docs/json.md)") -> None:  # noqa: A002 (argparse's word)
    """`--json`, as every verb that lists has it; before the verb it means the same."""
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help=help)


def completes_files(action: Action) -> None:
    """Let the shell complete file names there (the functions are those that shtab defines)."""
    vars(action)["complete"] = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
