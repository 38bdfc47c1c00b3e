"""`models remove`: delete what was made here; other people's files are never touched."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from cli import models_json, say, words
from cli.exits import Exit
from cli.models_asking import asked, configured
from cli.session import Session
from cli.verb import Verb, takes_json
from engines.llm.settings import MINIATURE
from ipc.errors import Problem, RequestFailed
from ipc.models import ListModels, ModelRow, Removed, RemoveModels


def _remove(session: Session, arguments: Namespace) -> Exit:
    with asked(session, ListModels(configured(session))) as answers:
        rows = [said for said in answers if isinstance(said, ModelRow)]
    chosen = meant(rows, arguments.model, arguments.level)
    if not arguments.force:
        refuse_used(chosen)
    if not arguments.yes and not _agreed(chosen):
        say.note("nothing was removed")
        return Exit.FAILED
    with asked(session, RemoveModels(tuple(row.path for row in chosen))) as answers:
        removed = [said for said in answers if isinstance(said, Removed)]
    if arguments.json:
        say.document([models_json.removed(one) for one in removed])
    else:
        for one in removed:
            say.data(f"{one.path} is removed")
        say.data(f"{words.size(sum(one.bytes for one in removed))} freed")
    return Exit.OK


def meant(rows: Sequence[ModelRow], model: str, level: str | None) -> list[ModelRow]:
    """What was made here and is that file, bears that name, or was made of what does; at that level or at all of them.

    Raises:
        RequestFailed: there is none.
    """
    named = [row for row in rows if _is(row, model)]
    sources = {row.path for row in named}
    of_them = [row for row in rows if row.origin == "made here" and (row in named or row.made_of in sources)]
    made = [row for row in of_them if level in (None, row.level)]
    if made:
        return made
    if named or of_them:
        wanted = f"At {level} none" if level else "None"
        raise RequestFailed(
            Problem(
                "Not made here",
                f"{wanted} of {model!r} was made by Engine Room.",
                "Other files are yours to remove; `engineroom models list` says which were made here.",
            )
        )
    raise RequestFailed(
        Problem("Unknown model", f"Nothing here is called {model!r}.", "`engineroom models list` shows what there is.")
    )


def refuse_used(rows: Sequence[ModelRow]) -> None:
    """Raises RequestFailed where an engine is configured to use one of them."""
    for row in rows:
        if row.engines:
            raise RequestFailed(
                Problem(
                    "In use",
                    f"{', '.join(row.engines)} is configured to use {row.name} at {row.level}.",
                    "Choose another `quantization` there first; or --force, and it is made again at the next load.",
                )
            )


def _is(row: ModelRow, model: str) -> bool:
    path = str(Path(model).expanduser().absolute())
    names = {row.name.lower(), row.label.lower(), Path(row.path).name.lower()}
    shipped = model == MINIATURE and row.origin == "shipped"
    return bool(model) and (shipped or model.lower() in names or path in (row.path, row.made_of))


def _agreed(rows: Sequence[ModelRow]) -> bool:
    for row in rows:
        say.note(f"{row.name} at {row.level or words.UNKNOWN}, {words.size(row.bytes)}: {row.path}")
    if not sys.stdin.isatty():
        raise RequestFailed(Problem("Not asked", "There is no terminal to ask on.", "Say --yes to remove it."))
    print("Remove? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("model", metavar="MODEL", help="a name in the list, a path, or the path of what it was made of")
    parser.add_argument("level", metavar="LEVEL", nargs="?", choices=("q4", "q8", "q16"), help="none: all levels")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--force", action="store_true", help="also what an engine is configured to use")


VERB = Verb("remove", "delete models that were made here", _arguments, _remove)
