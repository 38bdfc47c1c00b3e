"""A link: messages both ways over a byte stream, many of them leaving in one write."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Generic, Self, TypeVar

import anyio
import msgspec
from anyio import AsyncContextManagerMixin
from anyio.abc import ByteStream

from ipc.background import background
from ipc.errors import ConnectionFailed, Problem, ProtocolViolation
from ipc.frames import HEAD_BYTES, FrameCutter, head

Out = TypeVar("Out")
In = TypeVar("In")

LINGER_SECONDS = 0.5
"""How long a link that is being left gives the other side to take what was already sent."""

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a msgspec decoder raises for bytes that are no such message."""
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class Link(AsyncContextManagerMixin, Generic[Out, In]):
    """Sends `Out` and receives `In` over `stream`, from inside `async with link`, which closes the stream at its end.

    `peer` names the other side in sentences. A link belongs to one event loop; sends made before it is entered wait.
    """

    def __init__(self, stream: ByteStream, inbound: msgspec.msgpack.Decoder[In], peer: str = "the other side") -> None:
        self.peer = peer
        self._stream = stream
        self._decode = inbound.decode
        self._encode_into = msgspec.msgpack.Encoder().encode_into
        self._cutter = FrameCutter()
        self._frames: deque[memoryview] = deque()
        self._buffer = bytearray()
        self._leaving_bytes = 0
        self._broken = False
        self._writing = anyio.CancelScope(shield=True)
        self._wake: anyio.Event | None = None
        self._less: anyio.Event | None = None

    @property
    def pending_bytes(self) -> int:
        """What was sent here and not yet taken by the operating system."""
        return len(self._buffer) + self._leaving_bytes

    def send(self, message: Out) -> None:
        """Queue `message`; never blocks. Messages sent within one turn of the loop leave in one write.

        Once the other side is gone they are dropped: `receive` is who tells.

        Raises:
            ProtocolViolation: the message cannot be sent (too long, or its text is no Unicode); the link goes on.
        """
        if self._broken:
            return
        start = len(self._buffer)
        try:
            self._encode_into(message, self._buffer, start + HEAD_BYTES)
            self._buffer[start : start + HEAD_BYTES] = head(len(self._buffer) - start - HEAD_BYTES)
        except (UnicodeEncodeError, OverflowError, ProtocolViolation) as error:
            del self._buffer[start:]
            raise _unsendable(message, error) from None
        if start == 0 and self._wake is not None:
            self._wake.set()

    async def drained(self, below: int = 0) -> None:
        """Wait until at most `below` bytes are pending.

        Raises:
            ConnectionFailed: the other side takes nothing more.
        """
        while self.pending_bytes > below:
            if self._less is None:
                self._less = anyio.Event()
            await self._less.wait()
        if self._broken:
            raise ConnectionFailed(Problem("Connection ended", f"{_upper_first(self.peer)} hung up.", ""))

    async def receive(self) -> In:
        """The next message.

        Raises:
            anyio.EndOfStream: the other side hung up between messages.
            ProtocolViolation: what came is no message of this vocabulary, or ended in the midst of one.
        """
        while not self._frames:
            try:
                chunk = await self._stream.receive()
            except (anyio.EndOfStream, *_GONE):
                if self._cutter.partial:
                    raise violation(f"{self.peer} hung up in the midst of a message") from None
                raise anyio.EndOfStream from None
            self._frames.extend(self._cutter.feed(chunk))
        payload = self._frames.popleft()
        try:
            return self._decode(payload)
        except UNDECODABLE as error:
            raise violation(f"{self.peer} sent {bytes(payload[:40])!r}: {error}") from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> In:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        async with background(self._write):
            try:
                yield self
            finally:
                with anyio.move_on_after(LINGER_SECONDS, shield=True), suppress(ConnectionFailed):
                    await self.drained()
                self._writing.cancel()
                await anyio.aclose_forcefully(self._stream)

    async def _write(self) -> None:
        with self._writing:
            while not self._broken:
                if not self._buffer:
                    self._wake = anyio.Event()
                    await self._wake.wait()
                batch, self._buffer = bytes(self._buffer), bytearray()
                self._leaving_bytes = len(batch)
                try:
                    await self._stream.send(batch)
                except _GONE:
                    self._broken = True
                    self._buffer.clear()
                self._leaving_bytes = 0
                if self._less is not None:
                    self._less.set()
                    self._less = None


def violation(what: str) -> ProtocolViolation:
    """What the other side did, in words without a full stop, as the error that ends its connection."""
    return ProtocolViolation(
        Problem("Protocol violation", f"{_upper_first(what)}.", "Both sides must be the same Engine Room.")
    )


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _unsendable(message: object, error: Exception) -> ProtocolViolation:
    why = error.problem.detail if isinstance(error, ProtocolViolation) else str(error)
    return ProtocolViolation(
        Problem(
            "Cannot be sent",
            f"A message {type(message).__name__!r} cannot be sent: {why}",
            "Make it smaller or plain text.",
        )
    )
