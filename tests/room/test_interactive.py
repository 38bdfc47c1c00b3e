"""One interactive request to a real engine: before batch work, and what is left of it when the engine dies."""

from __future__ import annotations

import json
import os
import signal

import anyio
import pytest
from room_kit import open_room, wait_for

from ipc.client import Client, connect_unix
from ipc.control import Answered, Ask, Piece
from ipc.errors import EngineDied

pytestmark = pytest.mark.anyio

SLOW = '[engine.fake]\nkind = "fake"\nseconds_per_unit = 0.3\ntokens_per_unit = 30\n'


async def heard_until_killed(client: Client, pid: int, heard: list[str]) -> None:
    payload = json.dumps({"id": "a", "prompt": "x", "habit": "slow:15"})
    async with client.stream(Ask("fake", payload)) as items:
        async for item in items:
            assert isinstance(item, Piece)
            heard.append(item.text)
            os.kill(pid, signal.SIGKILL)


async def test_a_stream_of_an_engine_that_dies_ends_with_the_text_so_far() -> None:
    with open_room(SLOW) as room:
        room.run("up")
        room.run("start", "fake")
        pid, heard = room.engine("fake")["pid"], list[str]()
        with anyio.fail_after(30):
            async with connect_unix(room.state / "socket") as client:
                with pytest.raises(EngineDied) as died:
                    await heard_until_killed(client, pid, heard)
        assert heard
        assert died.value.text == "".join(heard)
        assert "fake" in died.value.problem.detail


async def test_an_interactive_request_goes_before_the_units_of_a_job() -> None:
    with open_room(SLOW) as room:
        room.run("up")
        source = room.work / "p.jsonl"
        source.write_text("".join(json.dumps({"id": str(n), "prompt": "x"}) + "\n" for n in range(40)))
        job = room.submit("fake", str(source), "-o", str(room.work / "out.jsonl"))
        room.await_engine("fake", "ready")
        now = Ask("fake", json.dumps({"id": "a", "prompt": "now"}))
        with anyio.fail_after(30):
            async with connect_unix(room.state / "socket") as client, client.stream(now) as items:
                answers = [item async for item in items if isinstance(item, Answered)]
        assert len(answers) == 1
        assert room.job(job)["units_done"] < 20, "twelve seconds of batch work did not go first"


async def test_where_flights_join_a_person_is_answered_while_the_units_of_a_job_are_at_work() -> None:
    joining = '[engine.fake]\nkind = "fake"\njoining = true\nparallel = 2\ndrain_limit = 0.1\n'
    with open_room(joining) as room:
        room.run("up")
        source = room.work / "p.jsonl"
        lines = [{"id": str(n), "prompt": "x", **({"habit": "slow:600"} if n < 2 else {})} for n in range(12)]
        source.write_text("".join(json.dumps(line) + "\n" for line in lines))
        job = room.submit("fake", str(source), "-o", str(room.work / "out.jsonl"))
        wait_for(lambda: room.job(job)["units_done"] == 10, "all but the slow ones done, in places that they left free")
        now = Ask("fake", json.dumps({"id": "a", "prompt": "now"}))
        with anyio.fail_after(30):
            async with connect_unix(room.state / "socket") as client, client.stream(now) as items:
                answers = [item async for item in items if isinstance(item, Answered)]
        assert len(answers) == 1
        assert room.job(job)["units_flying"] == 2, "the slow ones are still at work"
