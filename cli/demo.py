"""`demo`: the whole thing in a folder of its own, with the miniature model; nothing else on this box is touched."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from itertools import islice
from pathlib import Path

from cli import exits, job_words, say, waiting, words
from cli.down import bring_down
from cli.exits import Exit
from cli.session import Session
from cli.submit import submit
from cli.verb import Verb, completes_files, looped
from ipc.control import Done, Engines, JobWhole, Ps, Record, ShowJob
from ipc.errors import EngineRoomError
from ipc.snapshot import FINISHED, JobDetail

SHOWN = 3


async def _demo(session: Session, arguments: Namespace) -> Exit:
    folder = session.cwd / arguments.output
    output, recording = folder / "answers.jsonl", folder / "demo.jsonl.zst"
    mine = replace(session, state=folder / "state", config_file=None, host=None)
    folder.mkdir(parents=True, exist_ok=True)
    await mine.ensure()
    output.unlink(missing_ok=True)
    await mine.ask(Record(str(recording)), Done)
    row = await submit(mine, "llm", [arguments.prompts], str(output))
    say.note(f"{row.id}: {arguments.prompts} → {output}")
    if sys.stdout.isatty() and sys.stdin.isatty():
        await mine.dashboard(mine.connect)
        row = (await mine.ask(ShowJob(row.id), JobWhole)).detail.row
        if row.state not in FINISHED:
            again = f"engineroom --state {mine.state}"
            say.note(f"{job_words.line(row)}\nit goes on: `{again}` shows it again, `{again} down` ends it")
            return Exit.OK
    else:
        row = (await waiting.finish(mine, [row.id]))[row.id]
    detail = (await mine.ask(ShowJob(row.id), JobWhole)).detail
    restarts = sum(engine.restarts for engine in (await mine.ask(Ps(), Engines)).rows)
    _show(output)
    _table(detail, restarts, recording)
    try:
        await bring_down(mine)
    except EngineRoomError as error:
        say.problem(error.problem)
    return exits.of_jobs([row.state])


def _show(output: Path) -> None:
    """The first few answers."""
    if not output.exists():
        return
    with output.open(encoding="utf-8") as lines:
        for line in islice(lines, SHOWN):
            answer = json.loads(line)
            say.data(f"{answer['id']}: {answer['answer'].strip()}")
    say.data("")


def _table(detail: JobDetail, restarts: int, recording: Path) -> None:
    """What was done, how fast, and where it lies."""
    row, numbers = detail.row, detail.numbers
    say.table(
        ("what", "result"),
        (
            ("job", f"{row.id}, {row.state}"),
            ("prompts", words.count(row.units_total)),
            ("answered", str(row.units_done)),
            ("rate of one unit", words.rate(numbers.tokens_per_second, "tok")),
            ("TTFT p50", _milliseconds(numbers.ttft_p50_seconds)),
            ("TTFT p95", _milliseconds(numbers.ttft_p95_seconds)),
            ("restarts", str(restarts)),
            ("answers", row.output),
            ("recording", str(recording)),
        ),
    )


def _milliseconds(seconds: float | None) -> str:
    return words.UNKNOWN if seconds is None else f"{seconds * 1000:.1f} ms"


def _arguments(parser: ArgumentParser) -> None:
    completes_files(parser.add_argument("prompts", help="a JSONL file of prompts"))
    parser.add_argument("-o", "--output", default="demo-out", metavar="FOLDER", help="default: demo-out")


VERB = Verb("demo", "try it out in a folder of its own", _arguments, looped(_demo))
