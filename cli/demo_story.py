"""The demo's story: spoken by the miniature of Chatterbox, where its environment is there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli import job_words, launch, say, words
from cli.interpreter import own_interpreter_of
from cli.job_units import pages
from cli.session import Session
from ipc.control import Engines, Ps
from ipc.places import data_folder, models_folder
from ipc.snapshot import JobDetail
from ipc.speech import KIND

MAKER = "engines.tts.miniature.make"
MINIATURE = "miniature-tts"
_WHOLE = "sizes.json"
"""The last file of a miniature that its maker writes."""
_CHAPTER = re.compile(r"c(\d+)s")
"""How the names of chunks begin."""
ENGINES = """[engine.writer]
kind = "llm"

[engine.voice]
kind = "tts"
model = {model}
"""


@dataclass(frozen=True)
class Story:
    """A text, and the configuration of a room that can speak it."""

    text: Path
    config: Path


def prepared(session: Session, text: Path, state: Path) -> Story | None:
    """What it takes to speak `text`, made in the state folder where it lacks; None, said in a line, where it cannot."""
    if not text.is_file():
        return None
    python = own_interpreter_of(session, KIND)
    if python is None:
        say.note(f"{text.name} is not spoken: `engineroom env sync {KIND}` makes the environment for it")
        return None
    model = models_folder(data_folder(session.environ)) / MINIATURE
    if not (model / _WHOLE).is_file():
        model = state / MINIATURE
    if not (model / _WHOLE).is_file() and (why := _make(session, python, model)):
        say.note(f"{text.name} is not spoken: its miniature could not be made: {why}")
        return None
    config = state / "demo.toml"
    config.write_text(ENGINES.format(model=json.dumps(str(model))))
    return Story(text, config)


async def speaks(session: Session) -> bool:
    """Whether the supervisor knows an engine for it; one that an earlier demo left may not."""
    return any(row.kind == KIND for row in (await session.ask(Ps(), Engines)).rows)


async def chapters(session: Session, id_: str) -> int:
    """How many the job's text has."""
    found: set[str] = set()
    async with session.connect() as client:
        async for rows in pages(client, id_):
            found.update(match[1] for row in rows if (match := _CHAPTER.match(row.name or "")))
    return len(found)


def rows(detail: JobDetail, chapters: int) -> Iterator[tuple[str, str]]:
    """What was spoken, how fast, and where it lies."""
    row = detail.row
    yield "story", f"{row.id}, {row.state}"
    yield "spoken", f"{job_words.progress_of(row)} chunks, {_counted(chapters, 'chapter')}"
    yield "sound", words.span(row.audio_seconds)
    yield "speed", words.rtf(row.rtf)
    yield "audiobook", row.output


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _make(session: Session, python: str, folder: Path) -> str:
    """Why it failed; empty where it did not."""
    try:
        done = subprocess.run(
            [python, "-P", "-m", MAKER, str(folder)],
            env={**session.environ, "PYTHONPATH": launch.python_path(session.environ)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return done.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"exit {done.returncode}"
