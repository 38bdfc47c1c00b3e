"""The supervisor's side: one client's session, from the handshake to the end of the connection."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Protocol, TypeAlias

import anyio
import msgspec
from anyio.abc import ByteStream, TaskGroup

from ipc import control
from ipc.channel import UNDECODABLE, Link, violation
from ipc.envelopes import WINDOW, Cancel, End, Failed, Feed, FromClient, Item, More, Reply, Request, ToClient, Took
from ipc.errors import ConnectionFailed, EngineDied, EngineRoomError, Problem, ProtocolViolation
from ipc.feeding import Fed
from ipc.handshake import Refusal, admit, hello, other_version

PENDING_LIMIT_BYTES = 256 * 2**10
"""What may wait for a client's socket before its streams and its further requests wait, too."""

OPEN_LIMIT = 256
"""Requests one client may have open."""

_Inbound: TypeAlias = Request[control.Command | msgspec.Raw] | Cancel | More | Feed
_SAME_VERSION: msgspec.msgpack.Decoder[_Inbound] = msgspec.msgpack.Decoder(FromClient)
_OTHER_VERSION: msgspec.msgpack.Decoder[_Inbound] = msgspec.msgpack.Decoder(Request[msgspec.Raw] | Cancel | More)
_NEVER_CHANGE: msgspec.msgpack.Decoder[control.Status | control.Down] = msgspec.msgpack.Decoder(
    control.Status | control.Down
)
_OUR_MISTAKE = Problem(
    "Internal error",
    "The supervisor made a mistake while it worked on this.",
    "Its log holds the details; see `engineroom doctor`.",
)

_logger = logging.getLogger(__name__)


class Service(Protocol):
    """What the supervisor does for its clients; either raises EngineRoomError when one request fails."""

    async def answer(self, command: control.OneAnswer) -> control.Answer:
        """The one answer."""

    def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        """The stream, as an async generator; it is closed when the client wants no more. `fed` is what the client sends
        into it."""


async def serve(stream: ByteStream, service: Service) -> Problem | None:
    """Serve one client until its connection ends, then cancel all it asked for and close `stream`.

    Returns why it ended: None when the client simply left. Nothing a client does makes it raise.
    """
    mine = hello("supervisor", control.VERSION)
    async with stream:
        try:
            client = await admit(stream, mine, any_version=True)
        except EngineRoomError as error:
            return error.problem
        decoder = _SAME_VERSION if client.version == control.VERSION else _OTHER_VERSION
        async with (
            Link[ToClient, _Inbound](stream, decoder, f"{client.role} {client.pid}") as link,
            anyio.create_task_group() as requests,
        ):
            session = _Session(link, service, requests, other_version(mine, client))
            try:
                await session.read()
            except ProtocolViolation as error:
                link.send(Refusal(_plain(error.problem)))
                return error.problem
            except ConnectionFailed:
                return None
            finally:
                requests.cancel_scope.cancel()
    return None


class _Open:
    """One request under way: how to stop it, how many items it may still send, and what was fed into it."""

    def __init__(self, took: Callable[[int], None]) -> None:
        self.scope = anyio.CancelScope()
        self.fed = Fed(took)
        self.granted = WINDOW
        self._more = anyio.Event()

    def grant(self, count: int) -> None:
        self.granted += count
        self._more.set()

    async def may_send(self) -> None:
        while self.granted == 0:
            self._more = anyio.Event()
            await self._more.wait()


class _Session:
    """The requests of one client, each in its own task."""

    def __init__(self, link: Link[ToClient, _Inbound], service: Service, requests: TaskGroup, other: Problem) -> None:
        self._link = link
        self._service = service
        self._requests = requests
        self._other = other
        self._open: dict[int, _Open] = {}

    async def read(self) -> None:
        """Take what the client says until it hangs up.

        Raises:
            ProtocolViolation: it said what it may not.
            ConnectionFailed: it takes no answers any more.
        """
        async for message in self._link:
            match message:
                case Request(number, body):
                    if isinstance(body, msgspec.Raw):
                        self._begin_unchanged(number, body)
                    else:
                        self._begin(number, body)
                case Cancel(number):
                    if (order := self._open.get(number)) is not None:
                        order.scope.cancel()
                case More(number, count):
                    if (order := self._open.get(number)) is not None:
                        if count < 1 or order.granted + count > WINDOW:
                            raise violation(f"More({number}, {count}) grants more than was taken")
                        order.grant(count)
                case Feed(number, data, end):
                    if (order := self._open.get(number)) is not None:
                        order.fed.put(data, end)
            await self._link.drained(PENDING_LIMIT_BYTES)

    def _begin_unchanged(self, number: int, body: msgspec.Raw) -> None:
        try:
            self._begin(number, _NEVER_CHANGE.decode(body))
        except UNDECODABLE:
            self._fail(number, self._other)

    def _begin(self, number: int, command: control.Command) -> None:
        if number in self._open:
            raise violation(f"request {number} is already open")
        if len(self._open) >= OPEN_LIMIT:
            self._fail(
                number,
                Problem(
                    "Too many requests", f"This connection has {OPEN_LIMIT} requests open.", "Wait for some to end."
                ),
            )
            return
        order = self._open[number] = _Open(lambda count: self._link.send(Took(number, count)))
        self._requests.start_soon(self._perform, number, command, order)

    async def _perform(self, number: int, command: control.Command, order: _Open) -> None:
        try:
            with order.scope:
                if isinstance(command, control.Streaming):
                    await self._stream(number, command, order)
                else:
                    self._link.send(Reply(number, await self._service.answer(command)))
        except EngineDied as error:
            self._fail(number, error.problem, error.text)
        except EngineRoomError as error:
            self._fail(number, error.problem)
        except Exception:
            _logger.exception("a request failed: %r", command)
            self._fail(number, _OUR_MISTAKE)
        finally:
            del self._open[number]

    async def _stream(self, number: int, command: control.Streaming, order: _Open) -> None:
        items = self._service.items(command, order.fed)
        try:
            while True:
                await order.may_send()
                await self._link.drained(PENDING_LIMIT_BYTES)
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    break
                self._link.send(Item(number, item))
                order.granted -= 1
            self._link.send(End(number))
        finally:
            if isinstance(items, AsyncGenerator):
                await items.aclose()

    def _fail(self, number: int, problem: Problem, died_text: str | None = None) -> None:
        self._link.send(Failed(number, _plain(problem), None if died_text is None else _plain_text(died_text)))


def _plain(problem: Problem) -> Problem:
    """The same in text that can travel: a path may hold bytes that are no Unicode."""
    return Problem(_plain_text(problem.title), _plain_text(problem.detail), _plain_text(problem.hint))


def _plain_text(text: str) -> str:
    return text.encode(errors="replace").decode()
