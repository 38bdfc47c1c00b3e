"""A request that is fed, in a whole room: answered as it is fed, beside a job, and ended with its engine."""

from __future__ import annotations

import json
import os
import signal

import anyio
import pytest
from room_kit import open_room, wait_for

from ipc.client import connect_unix
from ipc.control import Answered, Ask, Piece
from ipc.errors import EngineDied

pytestmark = pytest.mark.anyio
ECHO = Ask("fake", json.dumps({"prompt": "", "habit": "echo"}))


async def test_a_person_feeds_an_engine_beside_a_job_until_it_is_killed() -> None:
    with open_room('[engine.fake]\nkind = "fake"\njoining = true\nseconds_per_unit = 0.02\n') as room:
        room.run("up")
        source = room.work / "p.jsonl"
        source.write_text("".join(json.dumps({"id": str(n), "prompt": "x"}) + "\n" for n in range(20)))
        with anyio.fail_after(60):
            async with connect_unix(room.state / "socket") as client:
                async with client.feeding(ECHO) as stream:
                    await stream.feed("before it is loaded, é".encode())  # the engine starts for it
                    assert await anext(stream) == Piece("before it is loaded, é")
                    job = room.submit("fake", str(source), "-o", str(room.work / "out.jsonl"))
                    await anyio.to_thread.run_sync(
                        lambda: wait_for(lambda: room.job(job)["state"] == "done", "the job beside it")
                    )
                    await stream.feed(b" and after")
                    stream.end()
                    rest = [item async for item in stream]
                assert rest[0] == Piece(" and after")
                assert isinstance(rest[-1], Answered)
                assert json.loads(rest[-1].result)["answer"] == "before it is loaded, é and after"
                async with client.feeding(ECHO) as stream:
                    await stream.feed(b"last words")
                    assert await anext(stream) == Piece("last words")
                    os.kill(room.engine("fake")["pid"], signal.SIGKILL)
                    with pytest.raises(EngineDied) as died:
                        await anext(stream)
                assert died.value.text == "last words"
