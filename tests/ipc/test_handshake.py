"""Who may speak with whom, and how long they may take to say so."""

from __future__ import annotations

import anyio
import pytest
from wires import pair, rest_of

from ipc.errors import ConnectionFailed, EngineRoomError, ProtocolViolation
from ipc.frames import frame
from ipc.handshake import Hello, admit, greet, hello

pytestmark = pytest.mark.anyio


async def meet(mine: Hello, theirs: Hello, *, any_version: bool = False) -> tuple[Hello | EngineRoomError, ...]:
    """What each side makes of the other: its hello, or the error raised."""
    left, right = pair()
    outcome: dict[str, Hello | EngineRoomError] = {}

    async def connecting() -> None:
        try:
            outcome["greet"] = await greet(left, mine, any_version=any_version)
        except EngineRoomError as error:
            outcome["greet"] = error

    async with left, right, anyio.create_task_group() as group:
        group.start_soon(connecting)
        try:
            outcome["admit"] = await admit(right, theirs, any_version=any_version)
        except EngineRoomError as error:
            outcome["admit"] = error
    return outcome["greet"], outcome["admit"]


async def test_each_learns_who_the_other_is() -> None:
    engine, supervisor = hello("engine", 1, "llm"), hello("supervisor", 1)
    assert await meet(engine, supervisor) == (supervisor, engine)


async def test_another_version_is_refused_with_both_versions_and_the_way_out() -> None:
    for outcome in await meet(hello("client", 7), hello("supervisor", 3)):
        assert isinstance(outcome, ConnectionFailed)
        assert "version 7" in outcome.problem.detail
        assert "version 3" in outcome.problem.detail
        assert "engineroom down" in outcome.problem.hint
    refused, _ = await meet(hello("engine", 2, "tts"), hello("supervisor", 1))
    assert isinstance(refused, ConnectionFailed)
    assert "engine's Python" in refused.problem.hint


async def test_another_version_may_be_admitted_for_the_words_that_never_change() -> None:
    client, supervisor = hello("client", 7), hello("supervisor", 3)
    assert await meet(client, supervisor, any_version=True) == (supervisor, client)


async def test_fields_a_later_version_appends_are_no_obstacle() -> None:
    left, right = pair()
    async with left, right:
        await left.send(frame(b"\x98\xa5hello\xaaengineroom\x01\xa6client\x07\xa30.9\xa0\xc3"))
        assert await admit(right, hello("supervisor", 1)) == Hello("engineroom", 1, "client", 7, "0.9", "")


async def test_nothing_beyond_the_handshake_is_read() -> None:
    left, right = pair()
    async with left, right, anyio.create_task_group() as group:
        group.start_soon(admit, right, hello("supervisor", 1))
        await greet(left, hello("client", 1))
        await left.send(b"next")
        assert await right.receive() == b"next"


@pytest.mark.parametrize(
    ("junk", "says"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "over the limit"),
        (frame(b"\x91\xa5howdy"), "howdy"),
        (frame(b"\xc1"), "first message"),
        (frame(b"\x91\xa2\xff\xff"), "first message"),
        (frame(b"\x91" * 10_000), "first message"),
        (frame(b"\x97\xa5hello\xa6docker\x01\xa6client\x07\xa30.9\xa0"), "'docker'"),
    ],
)
async def test_a_stranger_is_told_and_turned_away(junk: bytes, says: str) -> None:
    left, right = pair()
    async with left:
        await left.send(junk)
        async with right:
            with pytest.raises(ProtocolViolation, match=says):
                await admit(right, hello("supervisor", 1))
        assert b"refusal" in await rest_of(left)


@pytest.mark.parametrize("began", [b"", b"\0\0", frame(b"\x97\xa5hello")[:-3]])
async def test_half_a_frame_and_then_silence_ends_the_connection(began: bytes) -> None:
    left, right = pair()
    async with left, right:
        await left.send(began)
        with pytest.raises(ConnectionFailed, match=r"within 0\.05 s"):
            await admit(right, hello("supervisor", 1), deadline=0.05)
        with pytest.raises(ConnectionFailed, match=r"within 0\.05 s"):
            await greet(right, hello("client", 1), deadline=0.05)


async def test_hanging_up_is_said_plainly() -> None:
    left, right = pair()
    async with right:
        await left.aclose()
        with pytest.raises(ConnectionFailed, match="hung up"):
            await admit(right, hello("supervisor", 1))
        with pytest.raises(ConnectionFailed, match="hung up"):
            await greet(right, hello("client", 1))
