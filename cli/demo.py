"""`demo`: the whole thing in a folder of its own, with the miniature model; nothing else on this box is touched."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from itertools import islice
from pathlib import Path

from cli import exits, say, waiting
from cli.down import bring_down
from cli.exits import Exit
from cli.session import Session
from cli.submit import submit
from cli.verb import Verb, completes_files, looped
from ipc.control import JobWhole, ShowJob
from ipc.snapshot import FINISHED

SHOWN = 3


async def _demo(session: Session, arguments: Namespace) -> Exit:
    folder = session.cwd / arguments.output
    output = folder / "answers.jsonl"
    mine = replace(session, state=folder / "state", config_file=None, host=None)
    output.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    row = await submit(mine, "llm", [arguments.prompts], str(output), engine="", on_done="")
    say.note(f"{row.id}: {arguments.prompts} → {output}")
    if sys.stdout.isatty() and sys.stdin.isatty():
        await mine.dashboard(mine.connect)
        row = (await mine.ask(ShowJob(row.id), JobWhole)).detail.row
        if row.state not in FINISHED:
            again = f"engineroom --state {mine.state}"
            say.note(f"{waiting.line(row)}\nit goes on: `{again}` shows it again, `{again} down` ends it")
            return Exit.OK
    else:
        row = (await waiting.finish(mine, [row.id]))[row.id]
    _show(output)
    say.note(waiting.line(row))
    await bring_down(mine)
    return exits.of_job(row.state)


def _show(output: Path) -> None:
    """The first few answers."""
    if not output.exists():
        return
    with output.open(encoding="utf-8") as lines:
        for line in islice(lines, SHOWN):
            answer = json.loads(line)
            say.data(f"{answer['id']}: {answer['answer'].strip()}")
    say.note(f"all answers: {output}")


def _arguments(parser: ArgumentParser) -> None:
    completes_files(parser.add_argument("prompts", help="a JSONL file of prompts"))
    parser.add_argument("-o", "--output", default="demo-out", metavar="FOLDER", help="default: demo-out")


VERB = Verb("demo", "try it out in a folder of its own", _arguments, looped(_demo))
