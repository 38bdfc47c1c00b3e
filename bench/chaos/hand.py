"""Does what the plan says: each step to whoever is there when its time comes."""

from __future__ import annotations

import signal
import time

from anyio import to_thread
from anyio.abc import TaskGroup

from bench.chaos.census import Census, gone
from bench.chaos.diary import Diary
from bench.chaos.eye import Eye
from bench.chaos.operator import Operator
from bench.chaos.plan import Step
from bench.chaos.regicide import Regicide
from bench.chaos.storm import CLIENTS, storm
from bench.room import Room
from ipc.states import Ready

DESK = ":desk"
REPLACED_SECONDS = 60.0
"""For a stopped process to be found hung and killed."""
KNOWN_SECONDS = 2.0
"""A desk that is older has introduced itself, and is listened for from then on."""


class Hand:
    """Acts on one room. What takes long goes on in `group`, so that the next step need not wait for it."""

    def __init__(self, room: Room, census: Census, eye: Eye, diary: Diary, group: TaskGroup) -> None:
        self._room = room
        self._census = census
        self._eye = eye
        self._diary = diary
        self._group = group
        self._stopped: dict[int, str] = {}
        """By pid: processes that were stopped, and are to be found hung rather than met by another blow."""
        self._operator = Operator(room, eye, diary)
        self._regicide = Regicide(room, census, eye, diary, group)

    async def perform(self, step: Step) -> bool:
        """Whether it could be done now; where not, it may be tried again later."""
        match step.act:
            case "kill engine" | "stop engine":
                return self._meet_engine(step)
            case "kill desk" | "stop desk":
                return await self._meet_desk(step)
            case "kill supervisor" | "kill supervisor as it starts" if self._stopped_desks():
                return False  # it would take the desk with it, which takes ten seconds to be found
            case "kill supervisor":
                return await self._regicide.kill_supervisor(as_it_starts=False)
            case "kill supervisor as it starts":
                return await self._regicide.kill_supervisor(as_it_starts=True)
            case "kill keeper":
                return await self._regicide.kill_keeper()
            case "client storm":
                self._group.start_soon(self._storm, step)
                return True
            case "change a setting":
                self._group.start_soon(self._operator.change, step.pick)
                return True
            case "pause a job":
                self._group.start_soon(self._operator.pause, step.pick)
                return True

    def _meet_engine(self, step: Step) -> bool:
        there = sorted((name, pid) for name, pid in self._eye.pids().items() if pid not in self._stopped)
        if not there:
            return False
        engine, pid = there[step.pick % len(there)]
        state = self._eye.engines[engine].state
        if step.act == "kill engine":
            self._eye.expect_back(engine, pid)
        struck = self._strike(step, engine, pid)
        if struck and isinstance(state, Ready) and state.units:
            self._diary.did(f"{step.act} at work", engine)
        return struck

    async def _meet_desk(self, step: Step) -> bool:
        desks = [
            found
            for found in await to_thread.run_sync(self._census.children)
            if found.name.endswith(DESK)
            and found.pid not in self._stopped
            and (step.act == "kill desk" or found.seconds > KNOWN_SECONDS)
        ]
        if not desks:
            return False
        desk = desks[step.pick % len(desks)]
        return self._strike(step, desk.name, desk.pid)

    def _strike(self, step: Step, name: str, pid: int) -> bool:
        stops = step.act in ("stop engine", "stop desk")
        struck = self._census.strike_child(pid, signal.SIGSTOP if stops else signal.SIGKILL)
        if struck:
            self._diary.did(step.act, name, pid=pid)
        if struck and stops:
            self._stopped[pid] = name
            self._group.start_soon(self._see_replaced, step, name, pid)
        return struck

    async def _see_replaced(self, step: Step, name: str, pid: int) -> None:
        began = time.monotonic()
        if await gone(pid, REPLACED_SECONDS):
            by_itself = self._eye.hung.get(name, 0.0) >= began
            how = "found hung and gone" if by_itself else "met by another blow"
            self._diary.took(f"{step.act} → {how}", time.monotonic() - began)
        else:
            self._diary.breaks(f"{name} (pid {pid}), stopped by SIGSTOP, was not replaced in {REPLACED_SECONDS:g} s")
        del self._stopped[pid]

    def _stopped_desks(self) -> bool:
        return any(name.endswith(DESK) for name in self._stopped.values())

    async def _storm(self, step: Step) -> None:
        answered = await storm(self._room.socket, step.pick)
        self._diary.did("client storm", clients=CLIENTS)
        if answered is not None:
            self._diary.took("polite client in a storm → answered", answered)
