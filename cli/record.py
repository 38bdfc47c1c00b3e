"""`--record`: the same work without a terminal. The supervisor records; this asks for it, submits, and waits."""

from __future__ import annotations

import signal
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import anyio

from cli import exits, job_json, job_words, say, waiting
from cli.exits import Exit
from cli.session import Session
from cli.submit import submit
from config.units import BadUnit, seconds
from ipc.background import background
from ipc.control import Done, Record, Self, Status, StopRecording
from ipc.errors import EngineRoomError
from ipc.snapshot import FINISHED, JobRow, Snapshot, SupervisorRow, Tick, Update


@dataclass(frozen=True)
class JobSpec:
    """`KIND:INPUT:OUTPUT`."""

    kind: str
    source: str
    output: str


def job_spec(text: str) -> JobSpec:
    """From the flag's text; the input may contain colons, kind and output may not."""
    kind, _, rest = text.partition(":")
    source, _, output = rest.rpartition(":")
    if not (kind and source and output):
        raise ArgumentTypeError(f"{text!r} is not KIND:INPUT:OUTPUT, for example llm:prompts.jsonl:answers.jsonl")
    return JobSpec(kind, source, output)


def duration(text: str) -> float:
    """From the flag's text, in seconds."""
    try:
        return seconds(text)
    except BadUnit as error:
        raise ArgumentTypeError(f"{text!r}: {error}") from error


async def record(session: Session, arguments: Namespace) -> Exit:
    """Record until the jobs have ended, `--for` has passed or a signal comes, whichever is first.

    Leaving stops the recording and nothing else: engines and unfinished jobs go on.
    """
    path = session.path(arguments.record)
    await session.ensure()
    watched: dict[str, JobRow] = {}
    with anyio.move_on_after(arguments.for_seconds) as limit:
        async with background(partial(_leave_on_signal, limit)):
            await _recording(session, path, arguments.job, watched)
    if anyio.current_time() >= limit.deadline:
        say.note("the time is over")
    for row in watched.values():
        if arguments.json:
            say.record(job_json.job(row))
        else:
            say.data(job_words.line(row))
    return exits.of_jobs(row.state for row in watched.values())


async def _recording(session: Session, path: str, jobs: Iterable[JobSpec], watched: dict[str, JobRow]) -> None:
    """From the header to the end of the last job; however it is left, the recording is closed."""
    await _ask_for(session, path)
    try:
        for job in jobs:
            row = await submit(session, job.kind, [job.source], job.output)
            watched[row.id] = row
            say.note(f"{row.id} submitted: {job.source} → {row.output}")
        await _follow(session, path, watched)
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(session, path)


async def _follow(session: Session, path: str, watched: dict[str, JobRow]) -> None:
    narrate = waiting.Narrator()
    async with aclosing(waiting.updates(session)) as stream:
        async for update in stream:
            about = _supervisor_in(update)
            if about is not None and about.recording is None:
                await _ask_for(session, path)
            unfinished = {row.id for row in watched.values() if row.state not in FINISHED}
            for row in waiting.rows_in(update, unfinished):
                watched[row.id] = row
                narrate.tell(row)
            if watched and all(row.state in FINISHED for row in watched.values()):
                return


def _supervisor_in(update: Update) -> SupervisorRow | None:
    """Its word about itself: a supervisor that was started again may have to be asked again."""
    return update.supervisor if isinstance(update, Snapshot | Tick) else None


async def _ask_for(session: Session, path: str) -> None:
    recording = (await session.ask(Status(), Self)).supervisor.recording
    if recording is None or recording.path != path:
        await session.ask(Record(path), Done)
        say.note(f"recording to {path}")


async def _stop(session: Session, path: str) -> None:
    """Close the recording; that this fails must not hide why we are leaving."""
    try:
        await session.ask(StopRecording(), Done)
        say.note(f"recorded: {path}")
    except EngineRoomError as error:
        say.problem(error.problem)


async def _leave_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            say.note(f"{number.name}: leaving; engines and jobs go on")
            scope.cancel()
