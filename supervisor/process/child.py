"""A child that lives: what it says, what it prints, and its end, each as a fact."""

from __future__ import annotations

import contextlib
import os
import signal as signals
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import msgspec
from anyio.abc import ByteStream

from ipc.channel import Link
from ipc.errors import ConnectionFailed, EngineRoomError, Problem
from ipc.handshake import admit, hello
from ipc.sockets import SocketStream
from ipc.work import VERSION, FromChild, ToChild
from supervisor.process.drain import Drain
from supervisor.process.oom import oom_kills
from supervisor.process.pidfd import Exits
from supervisor.process.ring import LogRing

HANDSHAKE_SECONDS = 3600.0
"""The machine has the limit that counts, `start_limit`; this one only bounds the wait."""

LAST_WORDS_SECONDS = 0.5
"""How long after the exit what was already sent may take to arrive: a grandchild can hold the pipes open."""

TAIL_LINES = 50


@dataclass(frozen=True)
class Greeted:
    """The handshake is done."""


@dataclass(frozen=True)
class Said:
    """The child said something."""

    message: FromChild


@dataclass(frozen=True)
class Broke:
    """The link ended, or carried what the protocol does not allow."""

    problem: Problem


@dataclass(frozen=True)
class Exited:
    """The process is gone; nothing more comes. `code` or `signal`, the other is None; `log_tail` is this process's."""

    code: int | None
    signal: int | None
    oom_killed: bool
    log_tail: tuple[str, ...]


Fact: TypeAlias = Greeted | Said | Broke | Exited

_INBOUND: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


class Child:
    """One process of ours, from its spawn until `watch` returns."""

    def __init__(self, process: subprocess.Popen[bytes], link: socket.socket, log: LogRing, spawn_id: str) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        self.spawn_id = spawn_id
        self._process = process
        self._socket = link
        self._log = log
        self._before = log.last
        self._oom_kills = oom_kills()
        self._exits = Exits(process)
        self._drains = (
            Drain(process.stdout, "stdout", log),
            Drain(process.stderr, "stderr", log),
        )
        self._link: Link[ToChild, FromChild] | None = None
        self._talked = anyio.Event()

    def send(self, message: ToChild) -> None:
        """Never blocks; before the handshake and after the end of the link there is nobody to hear."""
        if self._link is not None:
            self._link.send(message)

    def terminate(self) -> None:
        """SIGTERM to its group."""
        self._signal_group(signals.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its group."""
        self._signal_group(signals.SIGKILL)

    def dump_stacks(self) -> None:
        """SIGUSR1: it writes every thread's stack to stderr; a stopped one is woken for it."""
        for signum in (signals.SIGCONT, signals.SIGUSR1):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signum)

    def _signal_group(self, signum: signals.Signals) -> None:
        # It is its session's and group's leader, and not reaped before `watch` saw its exit: the id is still its own.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signum)

    async def watch(self, deliver: Callable[[Fact], None]) -> None:
        """Deliver every fact as it comes, the exit last; returns when the process and what it left are gone.

        Cancelled, it kills the group first: no child outlives whoever watches it.
        """
        try:
            async with anyio.create_task_group() as group:
                for drain in self._drains:
                    group.start_soon(drain.run)
                group.start_soon(self._converse, deliver)
                await self._exits.wait()
                with anyio.move_on_after(LAST_WORDS_SECONDS):
                    await self._talked.wait()
                for drain in self._drains:
                    drain.take_rest()
                deliver(self._exited())
                # Leftovers of the group go with it: they hold memory, and the pipes.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signals.SIGKILL)
                group.cancel_scope.cancel()
        finally:
            self._bury()

    async def _converse(self, deliver: Callable[[Fact], None]) -> None:
        try:
            async with SocketStream(self._socket) as stream:
                await self._talk(stream, deliver)
        except EngineRoomError as error:
            deliver(Broke(error.problem))
        finally:
            self._link = None
            self._talked.set()

    async def _talk(self, stream: ByteStream, deliver: Callable[[Fact], None]) -> None:
        await admit(stream, hello("supervisor", VERSION), deadline=HANDSHAKE_SECONDS)
        async with Link[ToChild, FromChild](stream, _INBOUND, f"process {self.pid}") as self._link:
            deliver(Greeted())
            async for message in self._link:
                deliver(Said(message))
        raise ConnectionFailed(
            Problem("Link ended", f"Process {self.pid} closed its link to the supervisor.", "Its log may say why.")
        )

    def _exited(self) -> Exited:
        status = self._exits.status()
        tail = tuple(line.text for line in self._log.after(max(self._before, self._log.last - TAIL_LINES)))
        if status >= 0:
            return Exited(status, None, oom_killed=False, log_tail=tail)
        killed = -status == signals.SIGKILL and oom_kills() > self._oom_kills
        return Exited(None, -status, oom_killed=killed, log_tail=tail)

    def _bury(self) -> None:
        """Leave no process and no descriptor behind, also when the watch was cancelled."""
        self.kill()
        self._exits.close()
        self._socket.close()
        for drain in self._drains:
            drain.close()
