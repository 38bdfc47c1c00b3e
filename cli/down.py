"""`down`: stop every engine, then the supervisor and whoever would start it again."""

from __future__ import annotations

import time
from argparse import Namespace

import anyio
import psutil

from cli import launch, say
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, nothing
from ipc.client import expect
from ipc.control import Done, Down
from ipc.errors import ConnectionFailed, Problem

GONE_SECONDS = 10.0


async def bring_down(session: Session) -> Exit:
    """Ask it to go, and wait until its process is gone (here; another host's is believed)."""
    try:
        async with session.connect() as client:
            pid = client.supervisor.pid
            say.note(f"stopping the supervisor (pid {pid}) and its engines")
            done = expect(await client.ask(Down()), Done)
    except ConnectionFailed as error:
        raise ConnectionFailed(_by_hand(session, error.problem)) from error
    if session.host is None:
        await _gone(session, pid)
    say.note(done.text)
    return Exit.OK


async def _down(session: Session, arguments: Namespace) -> Exit:
    return await bring_down(session)


async def _gone(session: Session, pid: int) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while _lives(pid):
        if time.monotonic() > deadline:
            problem = Problem("Still there", f"Pid {pid} said it would end and has not after {GONE_SECONDS:g} s.", "")
            raise ConnectionFailed(_by_hand(session, problem))
        await anyio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _by_hand(session: Session, problem: Problem) -> Problem:
    """The way out when asking did not help: the processes by number, keeper first, or it would be started again."""
    if session.host is not None:
        return problem
    alive = [pid for pid in (launch.keeper(session.state), launch.holder(session.state)) if pid is not None]
    if not alive:
        return Problem(problem.title, problem.detail, f"No supervisor of {session.state} is running.")
    pids = " ".join(map(str, alive))
    return Problem(problem.title, problem.detail, f"End it by hand, its engines end with it: kill -KILL {pids}")


VERB = Verb("down", "stop every engine and the supervisor", nothing, looped(_down))
