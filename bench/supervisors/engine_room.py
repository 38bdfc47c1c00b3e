"""Engine Room with one fake engine, which is up when it is ready: interpreter, imports, handshake, load, self-test."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

import anyio
from anyio import to_thread

from bench.chaos.census import Census
from bench.room import Room
from bench.supervisors.system import Up
from ipc import control
from ipc.client import connect_unix
from ipc.errors import ConnectionFailed, EngineDied, ProtocolViolation, RequestFailed
from ipc.snapshot import EngineChanged, EngineRow, Snapshot
from ipc.states import Ready

ENGINE = "engine"
CONFIG = f'[engine.{ENGINE}]\nkind = "fake"\npreload = true\n'
AGAIN_SECONDS = 0.005


class EngineRoom:
    """`watch` has to run beside everything else."""

    name = "Engine Room"

    def __init__(self, room: Room) -> None:
        self._room = room
        self._census = Census(room)
        self._up: Up | None = None
        self._supervisor: int | None = None

    async def watch(self) -> None:
        """Note the supervisor that answers, and each engine that is ready, when the word of it arrives."""
        while True:
            try:
                async with connect_unix(self._room.socket) as client, client.stream(control.Watch()) as items:
                    async for item in items:
                        if isinstance(item, control.UpdateItem):
                            self._see(item.update)
            except (ConnectionFailed, ProtocolViolation):
                self._supervisor = None
                await anyio.sleep(AGAIN_SECONDS)

    def up(self) -> Up | None:
        """As a client was told."""
        return self._up

    def children(self) -> list[int]:
        """The engine's, by the environment that each has from its supervisor."""
        return [found.pid for found in self._census.children() if found.child and found.name == ENGINE]

    def targets(self) -> Mapping[str, int | None]:
        """The supervisor is up when it answers."""
        return {"supervisor": self._supervisor, "keeper": self._census.keeper()}

    async def use(self) -> None:
        """One answered request."""
        try:
            async with (
                connect_unix(self._room.socket) as client,
                client.stream(control.Ask(ENGINE, '{"prompt": "Hello"}')) as items,
            ):
                async for _ in items:
                    pass
        except (ConnectionFailed, RequestFailed, EngineDied):
            return  # then it is not well, which the next figure will show

    async def start_again(self, target: str) -> None:
        """`engineroom up`."""
        await to_thread.run_sync(partial(self._room.run, "up"))

    def _see(self, update: object) -> None:
        match update:
            case Snapshot():
                self._supervisor = update.supervisor.pid
                for row in update.engines:
                    self._see_engine(row)
            case EngineChanged(row):
                self._see_engine(row)
            case _:
                pass

    def _see_engine(self, row: EngineRow) -> None:
        if isinstance(row.state, Ready) and (self._up is None or row.state.pid != self._up.pid):
            self._up = Up(row.state.pid, time.time())
