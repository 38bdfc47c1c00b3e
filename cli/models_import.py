"""`models import`: makes the model of an embedding engine from a folder with its weights, once.

The kind's own interpreter does it in a process of its own, because the command line imports no model library.
"""

from __future__ import annotations

import os
import re
import subprocess
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

import ipc
from cli import say, words
from cli.exits import Exit
from cli.interpreter import interpreter_of
from cli.session import Session
from cli.verb import Verb, completes_files, takes_json
from ipc.errors import Problem, RequestFailed
from ipc.models import Imported, Outcome
from ipc.places import data_folder, models_folder

KIND = "embed"
MODULE = "engines.embed.making.importing"
ROOT = Path(ipc.__file__).parents[1]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _import(session: Session, arguments: Namespace) -> Exit:
    told: str = arguments.model
    name = arguments.name or (Path(told).name if os.sep in told or (session.cwd / told).is_dir() else told)
    if not _NAME.fullmatch(name):
        raise RequestFailed(
            Problem(
                "Bad name", f"{name!r} cannot be a model's name.", "Say --name with letters, digits, `.`, `_`, `-`."
            )
        )
    target = models_folder(data_folder(session.environ)) / name
    if target.exists() and not arguments.replace:
        raise RequestFailed(
            Problem("Model exists", f"{target} is there already.", "--replace makes it again, --name names another.")
        )
    say.note(f"making {target}")
    made = make(session, told, name)
    if arguments.json:
        say.document(msgspec.to_builtins(made))
    else:
        _show(made)
    return Exit.OK


def make(session: Session, told: str, name: str) -> Imported:
    """Make the model `name` of the folder `told`, or of the package that `told` names.

    Raises:
        RequestFailed: it could not be made; says why.
    """
    folder = session.cwd / Path(told).expanduser()
    environ = {**session.environ, "PYTHONPATH": str(ROOT)}
    python = interpreter_of(session, KIND)
    done = subprocess.run(
        [python, "-P", "-m", MODULE, str(folder) if folder.is_dir() or os.sep in told else told, name],
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    try:
        outcome = msgspec.json.decode(done.stdout.strip().rpartition("\n")[2], type=Outcome)
    except msgspec.MsgspecError as error:
        raise RequestFailed(
            Problem("Import died", f"It ended with exit code {done.returncode}.", "What it printed is above.")
        ) from error
    if outcome.made is None:
        raise RequestFailed(outcome.problem or Problem("Import failed", "It did not say why.", ""))
    return outcome.made


def _show(made: Imported) -> None:
    how = "traced by torch" if made.how == "torch" else "written from its weights"
    say.data(
        f"{made.name}: {made.dimensions} dimensions, up to {made.max_tokens} tokens, {words.size(made.size_bytes)}"
    )
    say.note(f"  {made.architecture}, {how} in {words.span(made.seconds)}: {made.path}")
    say.note(f'  use it: [engine.NAME] kind = "{KIND}", model = "{made.name}"')
    say.note("  an engine that failed for want of it: engineroom start NAME")


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    completes_files(
        parser.add_argument(
            "model",
            metavar="FOLDER",
            help="a folder with model.safetensors, config.json and tokenizer.json, or `minilm` for the package's own",
        )
    )
    parser.add_argument("--name", metavar="NAME", help="what engines call it; default: the folder's name")
    parser.add_argument("--replace", action="store_true", help="make it again where there is one of that name")


VERB = Verb("import", "make an embedding model from a folder with weights", _arguments, _import)
