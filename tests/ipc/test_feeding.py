"""Feeding an open stream over a real socket: at the pace at which it is taken, and harmless when nobody wants it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import msgspec
import pytest
from wires import Countless, raw, rest_of, served

from ipc import control
from ipc.client import Client, connect_unix
from ipc.envelopes import FEED_WINDOW_BYTES, Feed, Request
from ipc.errors import ConnectionFailed, ProtocolViolation, RequestFailed
from ipc.feeding import PIECE_BYTES, Fed, Feeding
from ipc.frames import frame

pytestmark = pytest.mark.anyio
ECHO, DEAF = control.Ask("echoes", ""), control.Ask("deaf", "")
LONG = bytes(65 + n % 26 for n in range(FEED_WINDOW_BYTES // 16)) * 48
"""Three windows."""


@pytest.fixture
def service() -> Countless:
    return Countless()


@pytest.fixture
async def client(service: Countless, tmp_path: Path) -> AsyncGenerator[Client]:
    async with served(service, tmp_path / "socket"), connect_unix(tmp_path / "socket") as connected:
        yield connected


async def heard(stream: Feeding[control.Item]) -> str:
    return "".join([item.text async for item in stream if isinstance(item, control.Piece)])


async def test_what_is_fed_arrives_whole_and_in_order_while_the_stream_goes_on(
    client: Client, service: Countless
) -> None:
    async with client.feeding(ECHO) as stream, anyio.create_task_group() as group:

        async def feed() -> None:
            await stream.feed(LONG)
            stream.end()
            stream.end()

        group.start_soon(feed)
        assert await heard(stream) == LONG.decode()
    assert service.most_waiting <= FEED_WINDOW_BYTES


async def test_pieces_come_before_the_end_is_fed(client: Client) -> None:
    async with client.feeding(ECHO) as stream:
        for word in (b"one ", b"two "):
            await stream.feed(word)
            assert await anext(stream) == control.Piece(word.decode())
        stream.end()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_who_feeds_what_nobody_takes_is_slowed_and_others_are_not(client: Client) -> None:
    fed = 0

    async def feed(stream: Feeding[control.Item]) -> None:
        nonlocal fed
        while True:
            await stream.feed(b"x" * PIECE_BYTES)
            fed += PIECE_BYTES

    async with client.feeding(DEAF) as stream, anyio.create_task_group() as group:
        group.start_soon(feed, stream)
        for number in range(20):
            assert await client.ask(control.Start(str(number))) == control.Done(str(number))
        assert fed == FEED_WINDOW_BYTES
        group.cancel_scope.cancel()


async def test_two_that_feed_one_stream_both_go_on_when_there_is_room(client: Client) -> None:
    async with client.feeding(DEAF) as stream:
        await stream.feed(b"x" * FEED_WINDOW_BYTES)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(stream.feed, b"one")
                group.start_soon(stream.feed, b"two")
                await anyio.wait_all_tasks_blocked()
                stream.took(3)
                await anyio.wait_all_tasks_blocked()
                stream.took(3)


async def test_feeding_what_has_ended_is_harmless(client: Client) -> None:
    async with client.feeding(control.Ask("counts", "1")) as stream:
        assert await heard(stream) == "0"
        await stream.feed(LONG)
        stream.end()
    async with client.feeding(control.Ask("no such", "")) as stream:
        await stream.feed(b"early")
        with pytest.raises(RequestFailed):
            await heard(stream)
    assert await client.ask(control.Start("on")) == control.Done("on")


async def test_nothing_may_follow_the_end(client: Client) -> None:
    async with client.feeding(DEAF) as stream:
        stream.end()
        with pytest.raises(RequestFailed, match="after the end"):
            await stream.feed(b"more")


async def test_a_lost_supervisor_frees_who_waits_to_feed(service: Countless, tmp_path: Path) -> None:
    freed = anyio.Event()

    async def feed(stream: Feeding[control.Item]) -> None:
        await stream.feed(LONG)
        freed.set()

    async with anyio.create_task_group() as outer, anyio.create_task_group() as group:
        async with served(service, tmp_path / "socket"):
            client = await outer.start(_hold_open, tmp_path / "socket")
            stream = await outer.start(_hold_fed, client)
            group.start_soon(feed, stream)
            await client.ask(control.Start("quick"))
            assert not freed.is_set()
        with anyio.fail_after(10):
            await freed.wait()
        with pytest.raises(ConnectionFailed):
            await heard(stream)
        outer.cancel_scope.cancel()


async def _hold_open(path: Path, *, task_status: anyio.abc.TaskStatus[Client]) -> None:
    async with connect_unix(path) as client:
        task_status.started(client)
        await anyio.sleep_forever()


async def _hold_fed(client: Client, *, task_status: anyio.abc.TaskStatus[Feeding[control.Item]]) -> None:
    async with client.feeding(DEAF) as stream:
        task_status.started(stream)
        await anyio.sleep_forever()


@pytest.mark.parametrize(
    ("feeds", "why"),
    [
        ([Feed(1, b"x" * FEED_WINDOW_BYTES, False), Feed(1, b"x", False)], b"fed more than"),
        ([Feed(1, b"", True), Feed(1, b"x", False)], b"had said was all"),
    ],
)
async def test_a_client_that_feeds_what_it_may_not_is_refused_with_a_sentence(
    service: Countless, tmp_path: Path, feeds: list[Feed], why: bytes
) -> None:
    path = tmp_path / "socket"
    async with served(service, path), raw(path) as wild, connect_unix(path) as tame:
        for message in (Request(1, DEAF), Feed(7, b"of no request", False), *feeds):
            await wild.send(frame(msgspec.msgpack.encode(message)))
        assert why in await rest_of(wild)
        assert await tame.ask(control.Start("on")) == control.Done("on")


async def test_a_supervisor_that_takes_more_than_was_fed_is_refused(client: Client) -> None:
    async with client.feeding(DEAF) as stream:
        await stream.feed(b"four")
        stream.took(4)
        with pytest.raises(ProtocolViolation, match="1 bytes were taken of 0"):
            stream.took(1)


def test_what_was_handed_on_and_not_taken_can_be_handed_on_again() -> None:
    granted: list[int] = []
    fed = Fed(granted.append)
    fed.put(b"abc", False)
    assert fed.fresh() == (b"abc", False)
    assert fed.fresh() is None
    fed.drop(2)
    fed.put(b"d", True)
    assert fed.fresh() == (b"d", True)
    fed.again()
    assert fed.fresh() == (b"cd", True)
    fed.grant(2)
    assert granted == [2]
