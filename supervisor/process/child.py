"""A child while it lives: what it is told, what it says and prints, and its end."""

from __future__ import annotations

import math
import signal as signals
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import anyio
import msgspec

from ipc.channel import Link
from ipc.errors import EngineRoomError, Problem, ProtocolViolation
from ipc.handshake import admit, hello
from ipc.sockets import SocketStream
from ipc.work import VERSION, FromChild, ToChild
from supervisor.process.drain import Drain
from supervisor.process.held import Held
from supervisor.process.oom import OomWatch
from supervisor.process.ring import LogRing

DYING_SECONDS = 2.0
"""How long a child whose link ended counts as dying: its sockets close before its memory is given back."""
PIPES_SECONDS = 0.5
"""How long after its end the pipes are read on; a grandchild can hold them open for ever."""
BURIAL_SECONDS = 10.0
"""How long a cancelled watch waits for the end of what it has killed."""
TAIL_LINES = 50

_INBOUND: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


@dataclass(frozen=True, slots=True)
class Greeted:
    """The handshake is done."""


@dataclass(frozen=True, slots=True)
class Said:
    """The child said something."""

    message: FromChild


@dataclass(frozen=True, slots=True)
class Broke:
    """The link ended or carried what the protocol does not allow, and the process lives; nothing is said any more."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone, of `code` or of `signal` (the other is None). `log_tail` is what it printed last."""

    code: int | None
    signal: int | None
    oom_killed: bool
    log_tail: tuple[str, ...]


Fact: TypeAlias = Greeted | Said | Broke | Exited


class Child:
    """One process, made by `spawn`; whoever has it runs `watch` from then on."""

    def __init__(self, process: subprocess.Popen[bytes], link: socket.socket, log: LogRing, spawn_id: str) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        self.spawn_id = spawn_id
        self._held = Held(process)
        self._oom = OomWatch()
        self._tail = LogRing(TAIL_LINES, into=log)
        self._drains = (Drain(process.stdout, "stdout", self._tail), Drain(process.stderr, "stderr", self._tail))
        self._socket = link
        self._stream = SocketStream(link)
        self._link: Link[ToChild, FromChild] = Link(self._stream, _INBOUND, f"process {self.pid}")
        self._over = anyio.Event()
        self._deliver: Callable[[Fact], None] = _nobody

    def send(self, message: ToChild) -> None:
        """Never blocks; before the handshake it waits for it. What cannot be sent is a `Broke`, as the child's
        silence about it would be."""
        try:
            self._link.send(message)
        except ProtocolViolation as error:
            self._deliver(Broke(error.problem))

    def terminate(self) -> None:
        """SIGTERM to its group."""
        self._held.signal_group(signals.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its group."""
        self._held.signal_group(signals.SIGKILL)

    def dump_stacks(self) -> None:
        """SIGUSR1: every stack goes into its log. A stopped process is woken for it, and one that has not yet
        learned to show its stacks is spared, because the signal would end it."""
        self._held.signal(signals.SIGCONT)
        if _catches(self.pid, signals.SIGUSR1):
            self._held.signal(signals.SIGUSR1)

    async def watch(self, deliver: Callable[[Fact], None]) -> None:
        """Deliver every fact in the order in which they happened, `Exited` last, at once; return when the pipes are
        empty, too. When it is cancelled it kills the group and sees it end."""
        self._deliver = deliver
        try:
            async with anyio.create_task_group() as pipes:
                for drain in self._drains:
                    pipes.start_soon(drain.run)
                async with anyio.create_task_group() as talk:
                    talk.start_soon(self._converse)
                    await self._held.ended()
                    self._end_of_talk()
                for drain in self._drains:
                    drain.take_rest()
                deliver(self._exited())
                pipes.cancel_scope.deadline = anyio.current_time() + PIPES_SECONDS
        finally:
            with anyio.move_on_after(BURIAL_SECONDS, shield=True):
                await self._bury()

    async def _converse(self) -> None:
        """Everything that is said, and `Broke` when it ends before the process does."""
        problem, hung_up = await self._listen()
        if hung_up:
            with anyio.move_on_after(DYING_SECONDS):
                await self._over.wait()
        if not self._over.is_set():
            self._deliver(Broke(problem))

    async def _listen(self) -> tuple[Problem, bool]:
        """Why nothing is said any more, and whether the child hung up."""
        try:
            await admit(self._stream, hello("supervisor", VERSION), deadline=math.inf)
            self._deliver(Greeted())
            async with self._link:
                try:
                    async for message in self._link:
                        self._oom.look()
                        self._deliver(Said(message))
                except ProtocolViolation as error:
                    return error.problem, self._hung_up()
                return _link_ended(self.pid), True
        except EngineRoomError as error:
            return error.problem, self._hung_up()

    def _hung_up(self) -> bool:
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _end_of_talk(self) -> None:
        """What was said before the end is still read, then the link ends, whoever else holds the other side."""
        self._over.set()
        self.kill()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed, because the link had broken

    def _exited(self) -> Exited:
        status = self._held.reap()
        assert status is not None
        tail = tuple(line.text for line in self._tail.tail(TAIL_LINES))
        if status >= 0:
            return Exited(status, None, oom_killed=False, log_tail=tail)
        oom_killed = -status == signals.SIGKILL and self._oom.killed()
        return Exited(None, -status, oom_killed, tail)

    async def _bury(self) -> None:
        if self._held.reap() is None:
            self.kill()
            await self._held.ended()
            self._held.reap()
        self._held.close()
        await self._stream.aclose()
        for drain in self._drains:
            drain.close()


def _link_ended(pid: int) -> Problem:
    return Problem("Link ended", f"Process {pid} lives but has closed its link to the supervisor.", "See its log.")


def _catches(pid: int, number: signals.Signals) -> bool:
    """Whether the process has a handler for this signal, as far as its system tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:")), 0)
    return bool(caught >> (number - 1) & 1)


def _nobody(fact: Fact) -> None:
    """Hears what happens before the watch has begun: nothing does."""
