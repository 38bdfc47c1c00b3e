"""`models verify`: look into model files, and say what is broken."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from cli import models_json, say
from cli.exits import Exit
from cli.models_asking import asked, configured
from cli.session import Session
from cli.verb import Verb, completes_files, takes_json
from ipc.models import Checked, VerifyModels
from ipc.snapshot import Json


def _verify(session: Session, arguments: Namespace) -> Exit:
    shapes: list[Json] = []
    broken = False
    with asked(session, VerifyModels(configured(session), tuple(arguments.model))) as answers:
        for said in answers:
            if isinstance(said, Checked):
                broken = broken or bool(said.broken)
                shapes.append(models_json.checked(said))
                if not arguments.json:
                    for line in _lines(said):
                        say.data(line)
    if arguments.json:
        say.document(shapes)
    elif not shapes:
        say.data("No model is known here.")
    return Exit.FAILED if broken else Exit.OK


def _lines(one: Checked) -> Iterator[str]:
    yield f"{'bad ' if one.broken else 'ok  '} {one.name or one.path}"
    yield f"       {one.path}"
    yield from (f"     ✕ {why}" for why in one.broken)
    yield from (f"     — {what}" for what in one.unknown)


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    completes_files(
        parser.add_argument(
            "model", nargs="*", default=[], metavar="MODEL", help="a path, or a name in the list; none: all of them"
        )
    )


VERB = Verb("verify", "look into model files: header, size, numbers, and whether they load", _arguments, _verify)
