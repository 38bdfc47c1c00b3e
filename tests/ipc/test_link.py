"""A link coalesces, preserves order, never blocks a sender, and names what it cannot accept."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest
from anyio.abc import ByteSendStream
from anyio.streams.stapled import StapledByteStream
from wires import pair

from ipc import work
from ipc.channel import Link
from ipc.errors import ConnectionFailed, Problem, ProtocolViolation
from ipc.frames import LIMIT_BYTES, frame
from ipc.sockets import SocketStream

pytestmark = pytest.mark.anyio

Child = Link[work.FromChild, work.ToChild]
Parent = Link[work.ToChild, work.FromChild]
TO_CHILD: msgspec.msgpack.Decoder[work.ToChild] = msgspec.msgpack.Decoder(work.ToChild)
FROM_CHILD: msgspec.msgpack.Decoder[work.FromChild] = msgspec.msgpack.Decoder(work.FromChild)


class CountedWrites(ByteSendStream):
    """Passes on what is sent, and counts the writes."""

    def __init__(self, stream: ByteSendStream) -> None:
        self._stream = stream
        self.writes = 0

    async def send(self, item: bytes) -> None:
        self.writes += 1
        await self._stream.send(item)

    async def aclose(self) -> None:
        await self._stream.aclose()


@asynccontextmanager
async def linked() -> AsyncGenerator[tuple[Parent, Child]]:
    left, right = pair()
    async with Parent(left, FROM_CHILD, "engine writer") as parent, Child(right, TO_CHILD) as child:
        yield parent, child


@asynccontextmanager
async def fed_by_hand() -> AsyncGenerator[tuple[SocketStream, Parent]]:
    left, right = pair()
    async with right, Parent(left, FROM_CHILD, "engine writer") as parent:
        yield right, parent


async def test_messages_arrive_as_they_were_sent_both_ways() -> None:
    down: list[work.ToChild] = [
        work.Load({"model": "a.gguf", "parallel": 2, "temperature": 0.5, "draft": None, "mlock": True}),
        work.Fly(3, (work.UnitOrder("box-1", 0, '{"prompt": "é"}'),), True, False),
        work.Leave(),
    ]
    up: list[work.FromChild] = [
        work.Beat(1, 2),
        work.UnitDone(3, "box-1", 0, "{}", 5, 0.25, None),
        work.Dying(Problem("Broken", "It broke.", ""), False),
    ]
    async with linked() as (parent, child):
        for order in down:
            parent.send(order)
        for said in up:
            child.send(said)
        assert [await child.receive() for _ in down] == down
        assert [await parent.receive() for _ in up] == up


async def test_sends_before_the_link_is_entered_wait_for_it() -> None:
    left, right = pair()
    early = Parent(left, FROM_CHILD)
    early.send(work.Leave())
    async with early, Child(right, TO_CHILD) as child:
        assert await child.receive() == work.Leave()


async def test_many_sends_leave_in_one_write() -> None:
    left, right = pair()
    counting = CountedWrites(left)
    async with right, Parent(StapledByteStream(counting, left), FROM_CHILD) as parent:
        for flight in range(1000):
            parent.send(work.CancelFlight(flight))
        await parent.drained()
    assert counting.writes == 1


async def test_a_thousand_messages_in_odd_chunks() -> None:
    async with fed_by_hand() as (hand, parent):
        wire = b"".join(frame(msgspec.msgpack.encode(work.Beat(n, n))) for n in range(1000))
        async with anyio.create_task_group() as group:

            async def feed() -> None:
                for at in range(0, len(wire), 7):
                    await hand.send(wire[at : at + 7])
                await hand.aclose()

            group.start_soon(feed)
            assert [beat async for beat in parent] == [work.Beat(n, n) for n in range(1000)]


async def test_a_slow_reader_never_blocks_the_sender_who_can_see_and_await_what_waits() -> None:
    async with linked() as (parent, child):
        big = work.Load({"text": "x" * 1_000_000})
        for _ in range(5):
            parent.send(big)
        assert parent.pending_bytes > 5_000_000
        with anyio.move_on_after(0.05) as waited:
            await parent.drained(1_000_000)
        assert waited.cancelled_caught
        async with anyio.create_task_group() as group:
            group.start_soon(parent.drained)
            for _ in range(5):
                assert await child.receive() == big
        assert parent.pending_bytes == 0


async def test_leaving_a_link_lets_out_what_was_sent() -> None:
    left, right = pair()
    async with Parent(left, FROM_CHILD) as parent:
        parent.send(work.Leave())
    async with Child(right, TO_CHILD) as child:
        assert [order async for order in child] == [work.Leave()]


async def test_cancelling_the_owner_lets_out_what_was_sent() -> None:
    left, right = pair()
    with anyio.CancelScope() as scope:
        async with Parent(left, FROM_CHILD) as parent:
            parent.send(work.Leave())
            scope.cancel()
            await anyio.sleep_forever()
    async with Child(right, TO_CHILD) as child:
        assert [order async for order in child] == [work.Leave()]


async def test_leaving_does_not_wait_for_a_reader_that_reads_nothing() -> None:
    left, right = pair()
    async with right:
        with anyio.fail_after(5):
            async with Parent(left, FROM_CHILD) as parent:
                parent.send(work.Load({"text": "x" * 5_000_000}))


async def test_an_error_in_the_body_leaves_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with linked():
            raise ZeroDivisionError


async def test_the_end_between_messages_is_an_end() -> None:
    async with fed_by_hand() as (hand, parent):
        await hand.send(frame(msgspec.msgpack.encode(work.Beat(1, 1))))
        await hand.aclose()
        assert [said async for said in parent] == [work.Beat(1, 1)]
        with pytest.raises(anyio.EndOfStream):
            await parent.receive()


async def test_what_was_said_before_a_hang_up_is_heard_even_when_sending_fails() -> None:
    async with fed_by_hand() as (hand, parent):
        await hand.send(frame(msgspec.msgpack.encode(work.Dying(Problem("a", "b", "c"), True))))
        await hand.aclose()
        parent.send(work.Leave())
        with pytest.raises(ConnectionFailed, match="Engine writer hung up"):
            await parent.drained()
        parent.send(work.Leave())
        assert parent.pending_bytes == 0
        assert [said async for said in parent] == [work.Dying(Problem("a", "b", "c"), True)]


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        (frame(b"\x91\xa5howdy"), "howdy"),
        (frame(b"\x91\xa4beat"), "at least"),
        (frame(b"\x93\xa4beat\xa1a\x01"), "Expected `int`"),
        (frame(b"\x93\xa4beat\x01\x01\x01"), "extra|trailing"),
        (frame(b"\x95\xa5piece\x01\xa1j\x00\xa2\xff\xfe"), "utf-8"),
        (frame(b"\x91" * 5000), "Engine writer sent"),
        (frame(b""), "truncated"),
        ((LIMIT_BYTES + 1).to_bytes(4, "big"), "over the limit"),
        (frame(b"\x93\xa4beat\x01\x01")[:-1], "in the midst"),
        (b"\0\0", "in the midst"),
    ],
)
async def test_a_violation_names_what_came(wire: bytes, says: str) -> None:
    async with fed_by_hand() as (hand, parent):
        await hand.send(wire)
        await hand.send_eof()
        with pytest.raises(ProtocolViolation, match=says):
            await parent.receive()


async def test_what_cannot_be_sent_is_refused_and_the_link_goes_on() -> None:
    async with linked() as (parent, child):
        parent.send(work.CancelFlight(1))
        with pytest.raises(ProtocolViolation, match="over the limit"):
            parent.send(work.Load({"text": "x" * (LIMIT_BYTES + 1)}))
        with pytest.raises(ProtocolViolation, match="surrogates"):
            parent.send(work.Load({"text": "\udcff"}))
        parent.send(work.CancelFlight(2))
        assert [await child.receive(), await child.receive()] == [work.CancelFlight(1), work.CancelFlight(2)]
