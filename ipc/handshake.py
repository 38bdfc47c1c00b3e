"""The first frame each way: who is there, and do we speak the same protocol.

The connecting side speaks first with `greet`, the other side answers with `admit`. `Hello` and `Refusal` never
change; later versions may only append fields. Exactly the bytes of the handshake are read, so the stream can be
handed to `ipc.channel.Link` as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

import anyio
import msgspec
from anyio.abc import ByteStream
from msgspec import Struct

from ipc.errors import ConnectionFailed, Problem, ProtocolViolation
from ipc.frames import HEAD_BYTES, frame, too_long
from ipc.version import SOFTWARE

MAGIC = "engineroom"
DEADLINE_SECONDS = 5.0
HELLO_LIMIT_BYTES = 64 * 2**10


class Hello(Struct, frozen=True, array_like=True, tag="hello"):
    """Who speaks. `role` is client, engine, desk or supervisor; `kind` is the engine's kind or empty."""

    magic: str
    version: int
    role: str
    pid: int
    software: str
    kind: str


class Refusal(Struct, frozen=True, array_like=True, tag="refusal"):
    """No, and why; the connection ends. The answering side may also say it later, before it hangs up."""

    problem: Problem


First: TypeAlias = Hello | Refusal
_FIRST: msgspec.msgpack.Decoder[First] = msgspec.msgpack.Decoder(First)


def hello(role: str, version: int, kind: str = "") -> Hello:
    """What this process says of itself; `version` is the one of the vocabulary it wants to speak."""
    return Hello(MAGIC, version, role, os.getpid(), SOFTWARE, kind)


async def greet(
    stream: ByteStream, mine: Hello, *, deadline: float = DEADLINE_SECONDS, any_version: bool = False
) -> Hello:
    """The connecting side: speak first, and return who answered.

    With `any_version` a peer of another version is returned too, for the words that never change.

    Raises:
        ConnectionFailed: refused, another version, hung up, or silent for `deadline` seconds.
        ProtocolViolation: what came is no handshake.
    """
    with _within(deadline):
        await _send(stream, mine)
        match await _receive(stream):
            case Refusal(problem):
                raise ConnectionFailed(problem)
            case theirs:
                if theirs.version != mine.version and not any_version:
                    raise ConnectionFailed(other_version(mine, theirs))
                return theirs


async def admit(
    stream: ByteStream, mine: Hello, *, deadline: float = DEADLINE_SECONDS, any_version: bool = False
) -> Hello:
    """The answering side: hear who is there, answer, and return it; whoever is not admitted is told why.

    With `any_version` a peer of another version is admitted too, for the words that never change.

    Raises:
        ConnectionFailed: another version, hung up, or silent for `deadline` seconds.
        ProtocolViolation: what came is no handshake.
    """
    with _within(deadline):
        try:
            theirs = await _receive(stream)
            if isinstance(theirs, Refusal):
                raise ConnectionFailed(theirs.problem)
            if theirs.version != mine.version and not any_version:
                raise ConnectionFailed(other_version(mine, theirs))
        except (ConnectionFailed, ProtocolViolation) as error:
            with suppress(ConnectionFailed):
                await _send(stream, Refusal(error.problem))
            raise
        await _send(stream, mine)
        return theirs


def other_version(mine: Hello, theirs: Hello) -> Problem:
    """Why these two cannot work together, with the way out."""
    client = "client" in (mine.role, theirs.role)
    return Problem(
        "Another version",
        f"The {theirs.role} (pid {theirs.pid}, Engine Room {theirs.software}) speaks version {theirs.version} of the "
        f"protocol, this {mine.role} (Engine Room {mine.software}) version {mine.version}.",
        "`engineroom down` stops the running supervisor, whatever its version; then start the one you want."
        if client
        else "Install the same Engine Room for the engine's Python and for the supervisor.",
    )


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Turns the end of the time allowed into a sentence."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        raise ConnectionFailed(
            Problem(
                "No handshake",
                f"The other side did not introduce itself within {seconds:g} s.",
                "It may be stopped, overloaded, or no Engine Room at all.",
            )
        ) from None


async def _send(stream: ByteStream, first: First) -> None:
    try:
        await stream.send(frame(msgspec.msgpack.encode(first)))
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        raise _hung_up() from None


async def _receive(stream: ByteStream) -> First:
    size = int.from_bytes(await _exactly(stream, HEAD_BYTES), "big")
    if size > HELLO_LIMIT_BYTES:
        raise too_long(size, HELLO_LIMIT_BYTES)
    came = await _exactly(stream, size)
    try:
        first = _FIRST.decode(came)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _stranger(f"sent {came[:40]!r} as its first message ({error})") from None
    if isinstance(first, Hello) and first.magic != MAGIC:
        raise _stranger(f"calls itself {first.magic[:40]!r}")
    return first


async def _exactly(stream: ByteStream, count: int) -> bytes:
    came = bytearray()
    while len(came) < count:
        try:
            came += await stream.receive(count - len(came))
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise _hung_up() from None
    return bytes(came)


def _stranger(did: str) -> ProtocolViolation:
    return ProtocolViolation(
        Problem("Not an Engine Room", f"The other side {did}.", "Check that the address is the supervisor's socket.")
    )


def _hung_up() -> ConnectionFailed:
    return ConnectionFailed(
        Problem("Connection ended", "The other side hung up before the handshake was complete.", "Try again.")
    )
