"""`demo`: the whole thing in a folder of its own, with miniature models; nothing else on this box is touched."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from cli import demo_files, demo_story, exits, job_words, say, waiting, words
from cli.down import bring_down
from cli.exits import Exit
from cli.session import Session
from cli.submit import submit
from cli.verb import Verb, completes_files, looped
from ipc.control import Done, Engines, JobWhole, Ps, Record, ShowJob
from ipc.errors import EngineRoomError
from ipc.snapshot import FINISHED, JobDetail, JobRow
from ipc.speech import KIND

SHOWN = 3


async def _demo(session: Session, arguments: Namespace) -> Exit:
    folder = session.cwd / arguments.output
    output, audiobook, recording = folder / "answers.jsonl", folder / "story.m4b", folder / "demo.jsonl.zst"
    state = folder / "state"
    text = session.cwd / (arguments.story or Path(arguments.prompts).with_name("story.txt"))
    demo_files.make_way(state, [output, *([audiobook] if text.is_file() else [])])
    story = demo_story.prepared(session, text, state)
    mine = replace(session, state=state, config_file=story.config if story else None, host=None)
    await mine.ensure()
    await mine.ask(Record(str(recording)), Done)
    jobs = [await _begin(mine, "llm", arguments.prompts, output)]
    if story is not None and await demo_story.speaks(mine):
        jobs.append(await _begin(mine, KIND, str(story.text), audiobook))
    ids = [row.id for row in jobs]
    if sys.stdout.isatty() and sys.stdin.isatty():
        await mine.dashboard(mine.connect)
        jobs = [(await mine.ask(ShowJob(id_), JobWhole)).detail.row for id_ in ids]
        if not all(row.state in FINISHED for row in jobs):
            again = f"engineroom --state {mine.state}"
            for row in jobs:
                say.note(job_words.line(row))
            say.note(f"it goes on: `{again}` shows it again, `{again} down` ends it")
            return Exit.OK
    else:
        ended = await waiting.finish(mine, ids)
        jobs = [ended[id_] for id_ in ids]
    _show(output)
    say.table(("what", "result"), [row async for row in _rows(mine, ids, recording)])
    try:
        await bring_down(mine)
    except EngineRoomError as error:
        say.problem(error.problem)
    return exits.of_jobs([row.state for row in jobs])


async def _begin(session: Session, kind: str, source: str, output: Path) -> JobRow:
    row = await submit(session, kind, [source], str(output))
    say.note(f"{row.id}: {source} → {output}")
    return row


def _show(output: Path) -> None:
    """The first few answers."""
    if not output.exists():
        return
    with output.open(encoding="utf-8") as lines:
        for line in islice(lines, SHOWN):
            answer = json.loads(line)
            say.data(f"{answer['id']}: {answer['answer'].strip()}")
    say.data("")


async def _rows(session: Session, ids: list[str], recording: Path) -> AsyncIterator[tuple[str, str]]:
    """What was done, how fast, and where it lies."""
    details = [(await session.ask(ShowJob(id_), JobWhole)).detail for id_ in ids]
    restarts = sum(engine.restarts for engine in (await session.ask(Ps(), Engines)).rows)
    for row in _answered(details[0]):
        yield row
    for detail in details[1:]:
        for row in demo_story.rows(detail, await demo_story.chapters(session, detail.row.id)):
            yield row
    yield "restarts", str(restarts)
    yield "recording", str(recording)


def _answered(detail: JobDetail) -> Iterator[tuple[str, str]]:
    row, numbers = detail.row, detail.numbers
    yield "job", f"{row.id}, {row.state}"
    yield "prompts", words.count(row.units_total)
    yield "answered", str(row.units_done)
    yield "rate of one unit", words.rate(numbers.tokens_per_second, "tok")
    yield "TTFT p50", _milliseconds(numbers.ttft_p50_seconds)
    yield "TTFT p95", _milliseconds(numbers.ttft_p95_seconds)
    yield "answers", row.output


def _milliseconds(seconds: float | None) -> str:
    return words.UNKNOWN if seconds is None else f"{seconds * 1000:.1f} ms"


def _arguments(parser: ArgumentParser) -> None:
    completes_files(parser.add_argument("prompts", help="a JSONL file of prompts"))
    parser.add_argument("-o", "--output", default="demo-out", metavar="FOLDER", help="default: demo-out")
    completes_files(
        parser.add_argument("--story", metavar="FILE", help="a text to speak; default: story.txt beside the prompts")
    )


VERB = Verb("demo", "try it out in a folder of its own", _arguments, looped(_demo))
