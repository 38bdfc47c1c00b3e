"""Kills the supervisor and its keeper, and sees that they come back, alone and without the old one's children."""

from __future__ import annotations

import signal
import time
from functools import partial

from anyio import to_thread
from anyio.abc import TaskGroup

from bench.chaos import phone
from bench.chaos.census import Census, gone
from bench.chaos.diary import Diary
from bench.chaos.eye import Eye
from bench.room import Room
from ipc import control
from ipc.errors import ConnectionFailed

RETURN_SECONDS = 30.0
"""A supervisor or keeper that is not back by then does not come."""
CHILDREN_SECONDS = 5.0
"""For the children of a killed supervisor to be gone."""


class Regicide:
    """In one room."""

    def __init__(self, room: Room, census: Census, eye: Eye, diary: Diary, group: TaskGroup) -> None:
        self._room = room
        self._census = census
        self._eye = eye
        self._diary = diary
        self._group = group

    async def kill_supervisor(self, *, as_it_starts: bool) -> bool:
        """And wait until another answers; `as_it_starts`: kill the next one, too, as soon as it holds the lock."""
        began = time.monotonic()
        if not await self._kill_holder():
            return False
        back = not as_it_starts or await self._kill_holder()
        try:
            await phone.ask(self._room, control.Status(), control.Self, RETURN_SECONDS if back else 0.0)
        except ConnectionFailed:
            # What a person would have to do, and should not.
            self._diary.breaks(f"no supervisor in {RETURN_SECONDS:g} s after the last was killed")
            await to_thread.run_sync(partial(self._room.run, "up"))
            return True
        what = "kill supervisor twice → answers" if as_it_starts else "kill supervisor → answers"
        self._diary.took(what, time.monotonic() - began)
        for name in await to_thread.run_sync(self._census.twice):
            self._diary.breaks(f"two processes of {name} lived at once after the supervisor was killed")
        return True

    async def kill_keeper(self) -> bool:
        """And wait until another has taken over."""
        began, first = time.monotonic(), self._census.keeper()
        if first is None or not self._census.strike_keeping(first, signal.SIGKILL):
            return False
        self._diary.did("kill keeper", pid=first)
        if await phone.look(lambda: self._census.keeper() not in (None, first), RETURN_SECONDS):
            self._diary.took("kill keeper → replaced", time.monotonic() - began)
        else:
            self._diary.breaks(f"no keeper in {RETURN_SECONDS:g} s after the last was killed")
        return True

    async def _kill_holder(self) -> bool:
        pid, children = await phone.look(self._census.supervisor, RETURN_SECONDS), self._eye.pids()
        if pid is None or not self._census.strike_keeping(pid, signal.SIGKILL):
            return False
        self._diary.did("kill supervisor", pid=pid)
        for name, child in children.items():
            self._group.start_soon(self._see_gone, name, child)
        return await gone(pid, RETURN_SECONDS)

    async def _see_gone(self, name: str, pid: int) -> None:
        began = time.monotonic()
        if await gone(pid, CHILDREN_SECONDS):
            self._diary.took("kill supervisor → its children gone", time.monotonic() - began)
        else:
            self._diary.breaks(f"{name} (pid {pid}) outlived its killed supervisor by {CHILDREN_SECONDS:g} s")
