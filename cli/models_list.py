"""`models list` and `models scan`: which model files this box has, and what to write to use one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from itertools import groupby

from cli import models_json, models_words, say
from cli.exits import Exit
from cli.models_asking import asked, configured
from cli.session import Session
from cli.verb import Verb, completes_files, takes_json
from ipc.models import ListModels, ModelRow, Said, ScanModels


def _list(session: Session, arguments: Namespace) -> Exit:
    with asked(session, ListModels(configured(session))) as answers:
        rows = _rows(answers)
    if arguments.json:
        say.document([models_json.model(row) for row in rows])
    elif not rows:
        say.data("No model is known here: `engineroom models scan FOLDER` looks for some.")
    else:
        for line in models_words.page(rows):
            say.data(line)
    return Exit.OK


def _scan(session: Session, arguments: Namespace) -> Exit:
    folders = tuple(session.path(folder) for folder in arguments.folder)
    with asked(session, ScanModels(folders)) as answers:
        rows = _rows(answers)
    if arguments.json:
        say.document([models_json.model(row) for row in rows])
    else:
        for line in _found(rows):
            say.data(line)
    return Exit.OK


def _found(rows: Sequence[ModelRow]) -> Iterator[str]:
    if not rows:
        yield "Nothing was found: neither in the Hugging Face cache, nor in Ollama's, nor in the folders named."
    for place, (origin, group) in enumerate(groupby(rows, key=lambda row: row.origin)):
        if place:
            yield ""
        yield origin if origin != "folder" else "Folders"
        for row in group:
            yield from models_words.to_use(row) if row.problem is None else models_words.broken_lines(row)


def _rows(answers: Iterator[Said]) -> list[ModelRow]:
    return [said for said in answers if isinstance(said, ModelRow)]


def _folders(parser: ArgumentParser) -> None:
    takes_json(parser)
    completes_files(
        parser.add_argument(
            "folder", nargs="*", default=[], metavar="FOLDER", help="look here, too, now and whenever models are listed"
        )
    )


LIST = Verb("list", "models that were made here, that engines use, and that were found", takes_json, _list)
SCAN = Verb("scan", "find models of the Hugging Face cache, of Ollama and in folders, to use in place", _folders, _scan)
