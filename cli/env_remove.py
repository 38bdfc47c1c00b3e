"""`env remove`: take an environment away and give back the room it takes."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from cli import say, words
from cli.env_place import place
from cli.environments import failures
from cli.environments.lock import locked
from cli.environments.make import lock_of, log_of
from cli.environments.retire import retire
from cli.environments.size import size_bytes
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb
from config.errors import did_you_mean
from engines.environments.record import stored
from ipc.errors import Problem, RequestFailed


def _run(session: Session, arguments: Namespace) -> Exit:
    environments = place(session)
    known = {one.name: one.folder for one in stored(environments)}
    if arguments.name not in known:
        text = f"There is no environment {arguments.name!r} in {environments}."
        raise RequestFailed(Problem("Unknown environment", text, did_you_mean(arguments.name, known)))
    freed = _remove(known[arguments.name])
    say.data(f"{arguments.name} is removed; {words.size(freed)} freed")
    return Exit.OK


def _remove(folder: Path) -> int:
    """Bytes that it took. Raises RequestFailed where it is used, being made, or cannot be removed."""
    try:
        with locked(lock_of(folder), _being_made(folder.name)):
            freed = size_bytes(folder)
            retire(folder)
            shutil.rmtree(folder)
            log_of(folder).unlink(missing_ok=True)
            lock_of(folder).unlink(missing_ok=True)
    except OSError as error:
        raise RequestFailed(failures.of_system(error, folder)) from error
    return freed


def _being_made(name: str) -> Callable[[str], None]:
    def refuse(pid: str) -> None:
        text = f"{name} is being made by a sync (pid {pid})."
        raise RequestFailed(Problem("Being made", text, "Wait for it, or end it with Ctrl-C there."))

    return refuse


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="as `engineroom env list` has it")


VERB = Verb("remove", "take an environment away", _arguments, _run)
