"""Looks on: a watch that is taken up again whenever the supervisor is back, and what it saw."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

from bench.room import Room
from ipc.client import connect_unix
from ipc.control import UpdateItem, Watch
from ipc.errors import ConnectionFailed, ProtocolViolation
from ipc.snapshot import FINISHED, EngineChanged, EngineRow, Happened, JobChanged, JobRow, Snapshot, Update
from ipc.states import Failed, Ready, pid_of

AGAIN_SECONDS = 0.02


class Eye:
    """Everything that a client can see, kept from one supervisor to the next."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.engines: dict[str, EngineRow] = {}
        """Empty while no supervisor answers."""
        self.jobs: dict[str, JobRow] = {}
        self.unsaid: list[str] = []
        """Jobs that had more units done before than they have now: results that were told, and lost."""
        self.ready_seconds: list[float] = []
        """From the kill of a ready engine until it was ready again."""
        self.at_once_seconds: list[float] = []
        """Those that the supervisor started again without waiting."""
        self.hung: dict[str, float] = {}
        """When an engine or desk was last told to be hung (monotonic seconds)."""
        self.blames = 0
        """Deaths that were told to be held against a unit."""
        self._killed: dict[str, tuple[int, float]] = {}
        self._at_once: dict[str, bool] = {}
        self._changed = anyio.Event()

    @property
    def units_ended(self) -> int:
        """Done and set aside, over all jobs."""
        return sum(row.units_done + row.units_failed for row in self.jobs.values())

    @property
    def unfinished(self) -> list[str]:
        """Ids of the jobs that are not over."""
        return [row.id for row in self.jobs.values() if row.state not in FINISHED]

    def pids(self) -> dict[str, int]:
        """By engine: those that have a process."""
        found = {name: pid_of(row.state) for name, row in self.engines.items()}
        return {name: pid for name, pid in found.items() if pid is not None}

    def failed(self) -> list[str]:
        """The engines that have failed."""
        return [name for name, row in self.engines.items() if isinstance(row.state, Failed)]

    def expect_back(self, engine: str, pid: int) -> None:
        """This process is killed now: note when the engine is ready again, if it was ready."""
        row = self.engines.get(engine)
        if row is not None and isinstance(row.state, Ready) and row.state.pid == pid:
            self._killed[engine] = (pid, time.monotonic())
            self._at_once.pop(engine, None)

    async def until(self, fact: Callable[[], bool], seconds: float) -> bool:
        """Wait until what was seen makes `fact` true; False when it did not in time."""
        with anyio.move_on_after(seconds):
            while not fact():
                await self._changed.wait()
            return True
        return fact()

    async def watch(self) -> None:
        """Look on until cancelled."""
        while True:
            try:
                async with connect_unix(self._room.socket) as client, client.stream(Watch()) as items:
                    async for item in items:
                        if isinstance(item, UpdateItem):
                            self._see(item.update)
            except (ConnectionFailed, ProtocolViolation):
                self.engines = {}
                self._killed.clear()
                self._tell()
                await anyio.sleep(AGAIN_SECONDS)

    def _see(self, update: Update) -> None:
        match update:
            case Snapshot():
                self.engines = {row.name: row for row in update.engines}
                for job in update.jobs:
                    self._see_job(job)
            case EngineChanged(row):
                self._see_engine(row)
            case JobChanged(row):
                self._see_job(row)
            case Happened(happening) if happening.word == "engine-died":
                self._at_once[happening.about] = happening.text.endswith("at once")
            case Happened(happening) if happening.word in ("unit-blamed", "unit-quarantined"):
                self.blames += 1
            case Happened(happening) if happening.word == "engine-hung":
                self.hung[happening.about] = time.monotonic()
            case _:
                return
        self._tell()

    def _see_engine(self, row: EngineRow) -> None:
        killed = self._killed.get(row.name)
        if killed is not None and isinstance(row.state, Ready) and row.state.pid != killed[0]:
            taken = time.monotonic() - killed[1]
            self.ready_seconds.append(taken)
            if self._at_once.get(row.name):
                self.at_once_seconds.append(taken)
            del self._killed[row.name]
        self.engines[row.name] = row

    def _see_job(self, row: JobRow) -> None:
        before = self.jobs.get(row.id)
        if before is not None and row.units_done < before.units_done:
            self.unsaid.append(f"{row.id}: {before.units_done} units were told done, later {row.units_done}")
        self.jobs[row.id] = row

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
