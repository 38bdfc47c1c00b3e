"""What a job writes, printed here: it goes through a temporary folder, which lasts as long as the job is known."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from cli import exits, say, waiting
from cli.exits import Exit
from cli.leaving import interrupted_when_told
from cli.session import Session
from ipc.control import CancelJob, Cleared, ClearJobs, JobIs
from ipc.errors import ConnectionFailed, EngineRoomError, Problem, RequestFailed
from ipc.snapshot import JobRow

CHUNK_BYTES = 65536


async def printed(session: Session, submit: Callable[[Path], Awaitable[JobRow]], form: str) -> Exit:
    """Print what the job writes that `submit` makes of an output. Cancelled, it takes the job along.

    A job that is done is forgotten; one that has problems stays, for people to look at, and so does its folder.

    Raises:
        ConnectionFailed: the supervisor is away; the job goes on without us.
        RequestFailed: it was refused, or stdout does not take the text, which stays then.
        BrokenPipeError: nobody reads on.
    """
    output = Path(tempfile.mkdtemp(prefix="engineroom-")) / f"text.{form}"
    try:
        row = await submit(output)
    except BaseException:
        _clean(output)
        raise
    last = await _watched(session, row.id, output)
    if last.state == "done":
        await _deliver(session, last.id, output)
    else:
        say.note(f"{last.id} is kept, and what it writes ({output}): engineroom job problems {last.id}")
        await waiting.tell_problems(session, last)
        _print(output)
    return exits.of_jobs([last.state])


async def _watched(session: Session, id_: str, output: Path) -> JobRow:
    """The job's last row."""
    try:
        return (await waiting.finish(session, [id_]))[id_]
    except ConnectionFailed:
        say.note(f"{id_} goes on without us, and writes {output}: engineroom job wait {id_}")
        raise
    except EngineRoomError:
        _clean(output)
        raise
    except (anyio.get_cancelled_exc_class(), OSError):  # told to leave, or nobody reads what we narrate
        await cancel(session, id_)
        await _done_with(session, id_, output)
        raise


async def cancel(session: Session, id_: str) -> bool:
    """Whether it is; whatever goes wrong here must not hide that we were told to leave."""
    try:
        with anyio.CancelScope(shield=True):
            await session.ask(CancelJob(id_), JobIs)
    except EngineRoomError as error:
        say.problem(error.problem)
        return False
    return True


async def _deliver(session: Session, id_: str, output: Path) -> None:
    """Print it; then, or where nobody reads to the end, neither job nor text is wanted any more."""
    try:
        _print(output)
    except (BrokenPipeError, KeyboardInterrupt):
        await _done_with(session, id_, output)
        raise
    await _done_with(session, id_, output)


async def _done_with(session: Session, id_: str, output: Path) -> None:
    try:
        await _forget(session, id_)
    finally:
        _clean(output)


def _clean(output: Path) -> None:
    shutil.rmtree(output.parent, ignore_errors=True)


async def _forget(session: Session, id_: str) -> None:
    """What was printed need not stay on the box; that it does is no failure."""
    try:
        with anyio.CancelScope(shield=True):  # who was told to leave stays for this
            await session.ask(ClearJobs((id_,), force=True), Cleared)
    except EngineRoomError as error:
        say.problem(error.problem)


def _print(output: Path) -> None:
    """What is there; nothing where the job failed. Raises RequestFailed: stdout does not take it."""
    if not output.exists():
        return
    try:
        with output.open("rb") as file, interrupted_when_told():
            shutil.copyfileobj(file, sys.stdout.buffer, CHUNK_BYTES)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        say.no_more_data()
        problem = Problem("Cannot print", f"It failed: {error.strerror}.", f"The text is in {output}, and stays there.")
        raise RequestFailed(problem) from error
