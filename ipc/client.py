"""The client's side: many requests at once over one connection, three methods; any byte stream will do."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self, TypeVar

import anyio
import msgspec
from anyio import AsyncContextManagerMixin
from anyio.abc import ByteStream

from ipc import control, hearing, listening, speech, vectors
from ipc.background import background
from ipc.channel import Link, violation
from ipc.choosing import engine_for
from ipc.envelopes import Cancel, End, Failed, Feed, FromClient, Item, More, Reply, Request, ToClient, Took
from ipc.errors import ConnectionFailed, EngineDied, Problem, ProtocolViolation, RequestFailed
from ipc.feeding import Feeding
from ipc.handshake import DEADLINE_SECONDS, Hello, Refusal, greet, hello, other_version
from ipc.inbox import Inbox
from ipc.sockets import dial
from ipc.ssh import pipe_on

A = TypeVar("A", bound=control.Answer | control.Item)

SOCKET_PATH_LIMIT_BYTES = 107
SSH_HANDSHAKE_SECONDS = 60.0
"""Longer than on this host: ssh may resolve, connect, and ask for a passphrase."""
_INBOUND: msgspec.msgpack.Decoder[ToClient] = msgspec.msgpack.Decoder(ToClient)


class Client(AsyncContextManagerMixin):
    """One connection to a supervisor, open inside `async with Client(stream) as client`.

    Entering it raises ConnectionFailed or ProtocolViolation when there is no handshake. `where` names the supervisor
    in sentences; `last_words` tells, once the connection has ended, what the transport itself said about it.
    """

    supervisor: Hello

    def __init__(
        self,
        stream: ByteStream,
        *,
        where: str = "the supervisor",
        handshake_seconds: float = DEADLINE_SECONDS,
        last_words: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._stream = stream
        self._where = where
        self._handshake_seconds = handshake_seconds
        self._last_words = last_words
        self._mine = hello("client", control.VERSION)
        self._link: Link[FromClient, ToClient] = Link(stream, _INBOUND, where)
        self._answers: dict[int, Inbox[control.Answer]] = {}
        self._streams: dict[int, Inbox[control.Item]] = {}
        self._feedings: dict[int, Feeding[control.Item]] = {}
        self._next = 1
        self._embedder = ""
        """The engine that `embed` found."""
        self._lost: Problem | None = None

    async def ask(self, command: control.OneAnswer) -> control.Answer:
        """The answer to `command`; leaving before it came (by cancellation) tells the supervisor so.

        Raises:
            RequestFailed: the supervisor refused or could not; everything else goes on.
            ConnectionFailed: the connection is gone, or the supervisor is of another version.
        """
        with self._request(command, self._answers) as (_, inbox):
            async for answer in inbox:
                return answer
        raise AssertionError("an inbox of answers ends with an answer or an error")

    @asynccontextmanager
    async def stream(self, command: control.Streaming) -> AsyncGenerator[AsyncIterator[control.Item]]:
        """Items of `command` as they come; leaving the block early cancels it.

        Raises (while iterating):
            RequestFailed: the supervisor refused or could not go on.
            EngineDied: the engine died; `text` holds what it had said.
            ConnectionFailed: the connection is gone, or the supervisor is of another version.
        """
        with self._request(command, self._streams) as (_, inbox):
            yield inbox

    @asynccontextmanager
    async def feeding(self, command: control.Streaming) -> AsyncGenerator[Feeding[control.Item]]:
        """As `stream`, with more to send into it while it goes on."""
        with self._request(command, self._streams) as (number, inbox):
            feeding = Feeding(inbox, lambda data, end: self._link.send(Feed(number, data, end)))
            self._feedings[number] = feeding
            try:
                yield feeding
            finally:
                self._starve(number)

    async def embed(self, texts: Sequence[str], engine: str = "") -> list[list[float]]:
        """A vector for each text, in order, from `engine` or from whichever makes vectors.

        A long list goes as several requests at once; each of its texts may have up to 1 MiB.

        Raises:
            RequestFailed: there is no such engine, or it refused.
            EngineDied: the engine died.
            ConnectionFailed: the connection is gone, or the supervisor is of another version.
        """
        if engine or not texts:
            return await vectors.embed(self, texts, engine) if texts else []
        if not self._embedder:
            self._embedder = await engine_for(self, vectors.KIND)
        try:
            return await vectors.embed(self, texts, self._embedder)
        except RequestFailed:
            self._embedder = ""  # it may be gone: the next call looks again
            raise

    async def say(
        self,
        text: str,
        engine: str = "",
        *,
        language: str | None = None,
        voice: str | None = None,
        exaggeration: float | None = None,
        cfg: float | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> speech.Speech:
        """A few sentences spoken by `engine`, or by whichever speaks; what is not told is as the engine is set.

        Raises:
            RequestFailed: there is no such engine, or it refused.
            EngineDied: the engine died.
            ConnectionFailed: the connection is gone, or the supervisor is of another version.
        """
        wish = speech.Wish(
            text=text,
            language=language,
            voice=voice,
            exaggeration=exaggeration,
            cfg=cfg,
            temperature=temperature,
            seed=seed,
        )
        return await speech.say(self, wish, engine or await engine_for(self, speech.KIND))

    @asynccontextmanager
    async def listen(
        self,
        engine: str = "",
        *,
        language: str | None = None,
        task: str | None = None,
        prompt: str | None = None,
        hotwords: str | None = None,
    ) -> AsyncGenerator[listening.Listening]:
        """Somebody speaks to `engine`, or to whichever listens; leaving the block early stops it.

        Raises:
            RequestFailed: there is no such engine; while iterating also: it refused.
            EngineDied: while iterating: the engine died; `text` is what was committed.
            ConnectionFailed: the connection is gone, or the supervisor is of another version.
        """
        wish = hearing.Wish(language=language, task=task, prompt=prompt, hotwords=hotwords)
        chosen = engine or await engine_for(self, hearing.KIND)
        async with listening.listen(self, wish, chosen) as it:
            yield it

    async def aclose(self) -> None:
        """End the connection now; requests that still wait raise ConnectionFailed."""
        await anyio.aclose_forcefully(self._stream)

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        try:
            self.supervisor = await greet(self._stream, self._mine, deadline=self._handshake_seconds, any_version=True)
        except BaseException as error:
            await anyio.aclose_forcefully(self._stream)
            if isinstance(error, ConnectionFailed):
                raise ConnectionFailed(await self._with_last_words(error.problem)) from None
            raise
        async with self._link, background(self._read):
            yield self

    @contextmanager
    def _request(self, command: control.Command, open_ones: dict[int, Inbox[A]]) -> Iterator[tuple[int, Inbox[A]]]:
        if self._lost is not None:
            raise ConnectionFailed(self._lost)
        if self.supervisor.version != control.VERSION and not isinstance(command, control.Status | control.Down):
            raise ConnectionFailed(other_version(self._mine, self.supervisor))
        number, self._next = self._next, self._next + 1
        self._link.send(Request(number, command))
        inbox = open_ones[number] = Inbox[A](lambda count: self._link.send(More(number, count)))
        try:
            yield number, inbox
        finally:
            if open_ones.pop(number, None) is not None:
                self._link.send(Cancel(number))

    async def _read(self) -> None:
        lost = Problem("Connection closed", "The connection was closed on this side.", "")
        try:
            async for message in self._link:
                self._deliver(message)
            lost = await self._with_last_words(
                Problem(
                    "Connection ended", f"The connection to {self._where} ended.", "Try again: it may be restarting."
                )
            )
        except (ProtocolViolation, ConnectionFailed) as error:
            lost = error.problem
        finally:
            self._lost = lost
            open_ones: tuple[Inbox[control.Answer] | Inbox[control.Item], ...] = (
                *self._answers.values(),
                *self._streams.values(),
            )
            self._answers.clear()
            self._streams.clear()
            for number in list(self._feedings):
                self._starve(number)
            for inbox in open_ones:
                inbox.end(ConnectionFailed(lost))
        await self.aclose()

    def _deliver(self, message: ToClient) -> None:
        match message:
            case Refusal(problem):
                raise ConnectionFailed(problem)
            case Reply(number, _) if number in self._streams:
                raise violation(f"{self._where} answered stream {number} with a single answer")
            case Item(number, _) | End(number) if number in self._answers:
                raise violation(f"{self._where} answered request {number} with a stream")
            case Reply(number, answer):
                if (asked := self._answers.pop(number, None)) is not None:
                    asked.put(answer)
                    asked.end()
            case Item(number, item):
                if (stream := self._streams.get(number)) is not None:
                    if stream.full:
                        raise violation(f"{self._where} sent more items of stream {number} than were granted")
                    stream.put(item)
            case Took(number, count):
                if (feeding := self._feedings.get(number)) is not None:
                    feeding.took(count)
            case End(number):
                self._starve(number)
                if (stream := self._streams.pop(number, None)) is not None:
                    stream.end()
            case Failed(number, problem, died_text):
                self._starve(number)
                failure = RequestFailed(problem) if died_text is None else EngineDied(problem, died_text)
                for ended in (self._answers.pop(number, None), self._streams.pop(number, None)):
                    if ended is not None:
                        ended.end(failure)
        if message.id >= self._next:
            raise violation(f"{self._where} answered request {message.id}, which was never made")

    def _starve(self, number: int) -> None:
        """Nothing more is fed into that stream."""
        if (feeding := self._feedings.pop(number, None)) is not None:
            feeding.close()

    async def _with_last_words(self, problem: Problem) -> Problem:
        words = await self._last_words() if self._last_words is not None else ""
        return Problem(problem.title, f"{problem.detail} {words}".strip(), problem.hint)


def expect(answer: control.Answer | control.Item, kind: type[A]) -> A:
    """`answer` as the kind it must be.

    Raises:
        ProtocolViolation: it is another kind.
    """
    if isinstance(answer, kind):
        return answer
    raise ProtocolViolation(
        Problem("Wrong answer", f"The supervisor answered {type(answer).__name__}, not {kind.__name__}.", "")
    )


@asynccontextmanager
async def connect_unix(path: Path) -> AsyncGenerator[Client]:
    """A client of the supervisor that listens on the Unix socket `path`.

    Raises:
        ConnectionFailed: nothing listens there, it refused, or it did not introduce itself in time.
        ProtocolViolation: what listens there is no Engine Room.
    """
    size = len(os.fsencode(path))
    if size > SOCKET_PATH_LIMIT_BYTES:
        raise ConnectionFailed(
            Problem(
                "Socket path too long",
                f"{path} has {size} bytes; a Unix socket's path has at most {SOCKET_PATH_LIMIT_BYTES}.",
                "Set ENGINEROOM_STATE to a shorter folder.",
            )
        )
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            stream = await dial(path)
    except OSError as error:
        raise ConnectionFailed(_no_supervisor(path, error)) from None
    async with Client(stream, where="the supervisor") as client:
        yield client


@asynccontextmanager
async def connect_host(box: str) -> AsyncGenerator[Client]:
    """A client of the supervisor on another host: ssh runs `engineroom pipe` there. `box` is `user@host`.

    Raises:
        ConnectionFailed: ssh could not get there (its own words are in the problem), or nothing runs there.
        ProtocolViolation: what answers there is no Engine Room.
    """
    async with (
        pipe_on(box) as remote,
        Client(
            remote.stream,
            where=f"the supervisor on {box}",
            handshake_seconds=SSH_HANDSHAKE_SECONDS,
            last_words=remote.last_words,
        ) as client,
    ):
        yield client


def _no_supervisor(path: Path, error: OSError) -> Problem:
    match error:
        case FileNotFoundError():
            return Problem("No supervisor", f"Nothing listens at {path}.", "Start one with `engineroom up`.")
        case ConnectionRefusedError():
            return Problem("No supervisor", f"Whoever listened at {path} is gone.", "Start one with `engineroom up`.")
        case TimeoutError():
            return Problem("Supervisor busy", f"Nobody answers at {path}.", "It may hang; see `engineroom doctor`.")
        case PermissionError():
            return Problem("Not allowed", f"{path} belongs to another user.", "Use the account that started it.")
        case _:
            return Problem("Cannot connect", f"Connecting to {path} failed: {error}.", "See `engineroom doctor`.")
