"""A client and the serving side over a real socket: many requests at once, streams, cancellation, failures."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import anyio
import msgspec
import pytest
from wires import NO, Countless, pair, raw, rest_of, served

from ipc import control
from ipc.client import Client, connect_unix, expect
from ipc.envelopes import WINDOW, Item, More, Reply, Request
from ipc.errors import ConnectionFailed, EngineDied, ProtocolViolation, RequestFailed
from ipc.frames import frame
from ipc.handshake import admit, hello
from ipc.serving import OPEN_LIMIT

pytestmark = pytest.mark.anyio


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until `holds`."""
    with anyio.fail_after(10):
        while not holds():  # noqa: ASYNC110 (facts of the other side have no event here)
            await anyio.sleep(0.001)


async def exhaust(items: AsyncIterator[control.Item]) -> None:
    """Take all there is."""
    async for _ in items:
        pass


async def watched(client: Client) -> None:
    """Watch for as long as it goes."""
    async with client.stream(control.Watch()) as updates:
        await exhaust(updates)


@pytest.fixture
def service() -> Countless:
    return Countless()


@pytest.fixture
async def client(service: Countless, tmp_path: Path) -> AsyncGenerator[Client]:
    async with served(service, tmp_path / "socket"), connect_unix(tmp_path / "socket") as connected:
        yield connected


async def test_an_answer_and_who_gave_it(client: Client) -> None:
    assert expect(await client.ask(control.Start("writer")), control.Done).text == "writer"
    assert client.supervisor.role == "supervisor"
    with pytest.raises(ProtocolViolation, match="answered Done, not Price"):
        expect(await client.ask(control.Start("writer")), control.Price)


async def test_many_requests_at_once_each_get_their_own_answer(client: Client) -> None:
    answers: dict[str, control.Answer] = {}

    async def one(name: str) -> None:
        answers[name] = await client.ask(control.Start(name))

    async with client.stream(control.Watch()) as updates, anyio.create_task_group() as group:
        for number in range(200):
            group.start_soon(one, str(number))
        await anext(updates)
    assert answers == {str(number): control.Done(str(number)) for number in range(200)}


async def test_a_stream_longer_than_its_window_arrives_whole_and_in_order(client: Client) -> None:
    async with client.stream(control.Ask("counts", str(WINDOW * 5 + 3))) as pieces:
        assert [piece async for piece in pieces] == [control.Piece(str(n)) for n in range(WINDOW * 5 + 3)]
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_one_failed_request_leaves_the_others_alone(client: Client) -> None:
    for engine in ("fails", "odd name", "broken", "huge"):
        with pytest.raises(RequestFailed):
            await client.ask(control.Start(engine))
    with pytest.raises(RequestFailed, match="It cannot be"):
        async with client.stream(control.Logs("x", 1, False)) as lines:
            await anext(lines)
    assert await client.ask(control.Start("still here")) == control.Done("still here")


async def test_a_dead_engine_ends_its_stream_with_the_text_so_far(client: Client) -> None:
    async with client.stream(control.Ask("dies", "")) as pieces:
        assert await anext(pieces) == control.Piece("so ")
        with pytest.raises(EngineDied) as died:
            await anext(pieces)
    assert (died.value.text, died.value.problem) == ("so far", NO)


async def test_leaving_a_stream_early_cancels_it_at_the_other_side(client: Client, service: Countless) -> None:
    async with client.stream(control.Watch()) as updates:
        await anext(updates)
    await until(lambda: service.closed == 1)
    assert await client.ask(control.Start("on")) == control.Done("on")


async def test_cancelling_a_request_cancels_it_at_the_other_side(client: Client, service: Countless) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(client.ask, control.Start("never"))
        await until(lambda: service.waiting == 1)
        group.cancel_scope.cancel()
    await until(lambda: service.waiting == 0)


async def test_an_unread_stream_stops_at_its_window_and_stands_in_nobodys_way(
    client: Client, service: Countless
) -> None:
    async with client.stream(control.Watch()) as updates:
        await until(lambda: service.given >= WINDOW)
        for _ in range(3):
            assert await client.ask(control.Start("quick")) == control.Done("quick")
        assert service.given == WINDOW
        for _ in range(WINDOW):
            await anext(updates)
        await until(lambda: service.given > WINDOW)


async def test_a_client_that_reads_nothing_slows_only_its_own_streams(service: Countless, tmp_path: Path) -> None:
    async with served(service, tmp_path / "socket"), raw(tmp_path / "socket") as stuck:
        for number in range(20):
            await stuck.send(frame(msgspec.msgpack.encode(Request(number, control.Watch()))))
        await until(lambda: service.given >= WINDOW)
        async with connect_unix(tmp_path / "socket") as lively:
            for _ in range(5):
                assert await lively.ask(control.Start("ok")) == control.Done("ok")
        assert service.given < 20 * WINDOW / 2


async def test_the_end_of_a_client_cancels_all_it_asked_for(service: Countless, tmp_path: Path) -> None:
    async with served(service, tmp_path / "socket"):
        async with connect_unix(tmp_path / "socket") as client, anyio.create_task_group() as group:
            group.start_soon(client.ask, control.Start("never"))
            async with client.stream(control.Watch()) as updates:
                await anext(updates)
                await until(lambda: service.waiting == 1)
                group.cancel_scope.cancel()
                await client.aclose()
        await until(lambda: service.ends == [None])
        assert (service.waiting, service.closed) == (0, 1)


async def test_a_lost_supervisor_fails_what_waits_and_what_comes(service: Countless, tmp_path: Path) -> None:
    failures: list[str] = []

    async def wait(client: Client) -> None:
        with pytest.raises(ConnectionFailed) as failed:
            await client.ask(control.Start("never"))
        failures.append(failed.value.problem.title)

    async def watch(client: Client) -> None:
        with pytest.raises(ConnectionFailed) as failed:
            await watched(client)
        failures.append(failed.value.problem.title)

    async with anyio.create_task_group() as outer:
        async with served(service, tmp_path / "socket"):
            client = await outer.start(_hold_open, tmp_path / "socket")
            outer.start_soon(wait, client)
            outer.start_soon(watch, client)
            await until(lambda: service.waiting == 1 and service.given > 0)
        await until(lambda: len(failures) == 2)
        with pytest.raises(ConnectionFailed, match="Connection ended"):
            await client.ask(control.Ps())
        outer.cancel_scope.cancel()
    assert failures == ["Connection ended"] * 2


async def _hold_open(path: Path, *, task_status: anyio.abc.TaskStatus[Client]) -> None:
    async with connect_unix(path) as client:
        task_status.started(client)
        await anyio.sleep_forever()


async def test_a_closed_client_says_so(client: Client) -> None:
    await client.aclose()
    with pytest.raises(ConnectionFailed):
        await client.ask(control.Ps())


async def test_an_answer_given_just_before_the_session_is_cancelled_still_arrives(
    service: Countless, tmp_path: Path
) -> None:
    life, listening = anyio.CancelScope(), anyio.Event()
    service.on_down = life.cancel

    async def supervisor() -> None:
        with life:
            async with served(service, tmp_path / "socket"):
                listening.set()
                await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(supervisor)
        await listening.wait()
        async with connect_unix(tmp_path / "socket") as client:
            assert await client.ask(control.Down()) == control.Done("down")


# ── other versions ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_client_of_another_version_may_say_status_and_down_and_is_refused_the_rest(
    service: Countless, tmp_path: Path
) -> None:
    async with served(service, tmp_path / "socket"), raw(tmp_path / "socket", version=99) as stream:
        await stream.send(frame(msgspec.msgpack.encode(Request(1, control.Ps()))))
        await stream.send(frame(b"\x93\xa7request\x02\x92\xa8teleport\xc3"))
        await stream.send(frame(msgspec.msgpack.encode(Request(3, control.Down()))))
        await stream.send_eof()
        came = await rest_of(stream)
    assert b"failed\x01" in came
    assert b"failed\x02" in came
    assert b"version 99" in came
    assert b"reply\x03" in came


async def test_a_supervisor_of_another_version_can_still_be_told_to_go() -> None:
    left, right = pair()

    async def older() -> None:
        async with right:
            await admit(right, hello("supervisor", control.VERSION + 1), any_version=True)
            assert b"down" in await right.receive()
            await right.send(frame(msgspec.msgpack.encode(Reply(1, control.Done("bye")))))
            with pytest.raises(anyio.EndOfStream):
                await right.receive()

    async with anyio.create_task_group() as group:
        group.start_soon(older)
        async with Client(left) as client:
            with pytest.raises(ConnectionFailed, match=f"version {control.VERSION + 1}"):
                await client.ask(control.Ps())
            assert await client.ask(control.Down()) == control.Done("bye")


# ── violations ────────────────────────────────────────────────────────────────────────────────────────────


def wire(*messages: object) -> bytes:
    return b"".join(frame(msgspec.msgpack.encode(message)) for message in messages)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (frame(b"\x93\xa7request\x01\x91\xa8teleport"), b"teleport"),
        (frame(b"junk"), b"junk"),
        (b"\xff\xff\xff\xff", b"over the limit"),
        (wire(Request(1, control.Start("never")), Request(1, control.Start("never"))), b"already open"),
        (wire(Request(1, control.Watch()), More(1, WINDOW + 1)), b"grants more"),
        (wire(Request(1, control.Watch()), More(1, 0)), b"grants more"),
    ],
)
async def test_a_violation_ends_that_client_which_is_told_why_and_no_other(
    service: Countless, tmp_path: Path, sent: bytes, says: bytes
) -> None:
    async with (
        served(service, tmp_path / "socket"),
        connect_unix(tmp_path / "socket") as good,
        raw(tmp_path / "socket") as bad,
    ):
        await bad.send(sent)
        assert says in await rest_of(bad)
        assert await good.ask(control.Start("fine")) == control.Done("fine")
        [problem] = service.ends
        assert problem is not None


async def test_more_requests_than_allowed_are_refused_one_by_one(client: Client, service: Countless) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(OPEN_LIMIT):
            group.start_soon(client.ask, control.Start("never"))
        await until(lambda: service.waiting == OPEN_LIMIT)
        with pytest.raises(RequestFailed, match="Too many requests"):
            await client.ask(control.Ps())
        group.cancel_scope.cancel()
    await until(lambda: service.waiting == 0)
    assert await client.ask(control.Start("again")) == control.Done("again")


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (frame(b"\x91\xa5howdy"), "howdy"),
        (wire(Reply(7, control.Done("?"))), "request 7, which was never made"),
        (wire(Reply(1, control.Done("?"))), "stream 1 with a single answer"),
        (wire(*(Item(1, control.Piece("")) for _ in range(WINDOW + 1))), "more items of stream 1"),
    ],
)
async def test_a_supervisor_that_breaks_the_protocol_is_left(sent: bytes, says: str) -> None:
    left, right = pair()

    async def bad() -> None:
        async with right:
            await admit(right, hello("supervisor", control.VERSION))
            await right.receive()
            await right.send(sent)
            await rest_of(right)

    async with anyio.create_task_group() as group:
        group.start_soon(bad)
        async with Client(left) as client, client.stream(control.Watch()) as updates:
            await until(lambda: client._lost is not None)
            with pytest.raises(ConnectionFailed, match=says):
                await exhaust(updates)


# ── no connection ─────────────────────────────────────────────────────────────────────────────────────────


async def test_no_socket_a_dead_socket_and_a_long_path_each_say_what_to_do(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(bytes(tmp_path / "dead"))
    for path, says in (
        (tmp_path / "none", "Nothing listens"),
        (tmp_path / "dead", "is gone"),
        (tmp_path / ("x" * 120), "at most 107"),
        (tmp_path, "failed|is gone"),
    ):
        with pytest.raises(ConnectionFailed, match=says) as failed:
            async with connect_unix(path):
                pytest.fail("connected")
        assert failed.value.problem.hint
