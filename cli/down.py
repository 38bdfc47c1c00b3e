"""`down`: stop every engine, then the supervisor and whoever would start it again."""

from __future__ import annotations

import time
from argparse import Namespace

import anyio
import psutil

from cli import launch, say
from cli.exits import Exit
from cli.service import living_units, service_of, stop_units
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
            done = expect(await client.ask(Down()), Done).text
    except ConnectionFailed as error:
        stopped = [] if session.host else _through_systemd(session)
        if not stopped or launch.holder(session.state) is not None:
            raise ConnectionFailed(_by_hand(session, error.problem)) from error
        done = "systemd stopped the supervisor and its engines."
    else:
        if session.host is None:
            await _gone(session, pid)
            stop_units(session.state, session.environ)  # one that crashed on its way down must not come back
    say.note(done)
    if session.host is None and service_of(session.state, session.environ).at_boot():
        say.note("It starts again at the next boot; `engineroom service uninstall` ends that.")
    return Exit.OK


def _through_systemd(session: Session) -> list[str]:
    if units := living_units(session.state, session.environ):
        say.note(f"it does not answer; systemd stops it ({', '.join(units)})")
    return stop_units(session.state, session.environ)


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
