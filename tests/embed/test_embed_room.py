"""A whole room with one embedding engine: jobs to files, two lines of a program, and the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pyarrow.parquet as parquet
import pytest
from embed_kit import EXPECTED, TEXTS, cosines
from room_kit import Room, open_room, wait_for

from ipc import control
from ipc.client import Client, connect_unix
from ipc.errors import RequestFailed

pytestmark = pytest.mark.anyio
pytest_plugins = ["embed_fixtures"]

ROOT = Path(__file__).parents[2]
CONFIG = '[engine.vectors]\nkind = "embed"\nthreads = 1\nbatch_size = 4\ncache_entries = 50\n'


@pytest.fixture(scope="module")
def room(minilm: Path) -> Iterator[Room]:
    """One for all tests here: none of them leaves it otherwise than it was."""
    with open_room(CONFIG) as opened:
        opened.environ = {"ENGINEROOM_DATA": str(minilm.parents[1])}
        opened.run("up")
        yield opened


def await_end(room: Room, job: str) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        row = room.job(job)
        return row if row["finished_unix"] else None

    return wait_for(probe, f"{job} ends", 60)


def test_a_job_becomes_vectors_with_their_ids(room: Room) -> None:
    source = room.work / "in.jsonl"
    lines = [{"id": f"t{number}", "text": text} for number, text in enumerate(TEXTS)]
    source.write_text("".join(json.dumps(line) + "\n" for line in [*lines, {"id": "again", "text": TEXTS[0]}]))
    first = room.submit("embed", str(source), "-o", str(room.work / "v.npy"))
    second = room.submit("embed", str(source), "-o", str(room.work / "v.parquet"))
    rows = [await_end(room, job) for job in (first, second)]
    assert [row["state"] for row in rows] == ["done", "done"]
    assert [row["units_done"] for row in rows] == [5, 5]
    expected = np.concatenate([EXPECTED, EXPECTED[:1]])
    vectors = np.load(room.work / "v.npy")
    assert cosines(vectors, expected).min() > 0.999
    names = [f"t{number}" for number in range(len(TEXTS))]
    assert json.loads((room.work / "v.npy.ids.json").read_text()) == {"job": first, "ids": [*names, "again"]}
    table = parquet.read_table(room.work / "v.parquet").to_pydict()
    assert table["id"] == [*names, "again"]
    assert cosines(np.array(table["vector"], np.float32), expected).min() > 0.999
    said = wait_for(lambda: room.engine("vectors")["said"], "the engine says how often it knew a vector")
    assert re.fullmatch(r"cache \d+ % of \d+", said)


def test_a_smaller_batch_applies_while_a_job_runs(room: Room) -> None:
    source = room.work / "long.txt"
    source.write_text("".join(f"{number} " + "boiler " * 240 + "\n" for number in range(120)))
    job = room.submit("embed", str(source), "-o", str(room.work / "smaller.npy"))
    wait_for(lambda: room.job(job)["units_done"] >= 2, "some units are done")
    room.run("job", "pause", job)  # else a quick machine is done with it before the change is heard
    room.run("set", "vectors", "batch_size=2")
    room.run("job", "resume", job)
    assert room.engine("vectors")["restarts"] == 0
    row = await_end(room, job)
    room.run("set", "vectors", "batch_size=4")
    assert row["state"] == "done"
    assert row["units_done"] > 30, "what had not begun was divided anew"
    assert np.load(room.work / "smaller.npy").shape == (120, 384)
    ids = json.loads((room.work / "smaller.npy.ids.json").read_text())["ids"]
    assert ids == [str(number + 1) for number in range(120)]


async def embed(room: Room, *asked: list[str], engine: str = "") -> list[list[list[float]]]:
    async with connect_unix(room.state / "socket") as client:
        return [await client.embed(texts, engine) for texts in asked]


async def test_a_program_gets_vectors_in_two_lines(room: Room) -> None:
    with anyio.fail_after(60):
        found, again, nothing = await embed(room, TEXTS, TEXTS[:2], [])
    assert cosines(np.array(found, np.float32), EXPECTED).min() > 0.99999
    assert cosines(np.array(again, np.float32), EXPECTED[:2]).min() > 0.999
    assert nothing == []
    assert isinstance(found[0][0], float)


async def test_three_programs_share_one_load_and_a_long_list_goes_in_parts(room: Room) -> None:
    results: dict[int, list[list[float]]] = {}

    async def ask(number: int) -> None:
        texts = [f"text {number % 30}" for number in range(600)]
        (results[number],) = await embed(room, texts, engine="vectors")

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(ask, number)
    assert all(len(one) == 600 for one in results.values())
    vectors = np.array(results[0], np.float32)
    assert cosines(vectors[:30], vectors[570:]).min() > 0.999
    loads = [one for one in await anyio.to_thread.run_sync(room.happenings) if one["word"] == "engine-ready"]
    assert len(loads) == 1


async def test_what_cannot_be_embedded_is_refused_with_a_sentence(room: Room) -> None:
    async def asked(client: Client, texts: list[str], engine: str = "") -> str:
        with pytest.raises(RequestFailed) as caught:
            await client.embed(texts, engine)
        return caught.value.problem.title

    with anyio.fail_after(60):
        async with connect_unix(room.state / "socket") as client:
            assert await asked(client, ["a"], "nobody") == "Unknown engine"
            assert await asked(client, ["x" * 2**20 + "y"] + ["a"] * 300) == "Text too long"
            assert len(await client.embed(["well"])) == 1
            await client.ask(control.Stop("vectors"))
            assert await asked(client, ["a"]) == "Engine unavailable"
            await client.ask(control.Start("vectors"))


def test_the_example_and_the_verb_print_vectors(room: Room) -> None:
    said = room.run("embed", "vectors", TEXTS[0], TEXTS[1]).stdout.splitlines()
    assert cosines(np.array([json.loads(line) for line in said], np.float32), EXPECTED[:2]).min() > 0.999
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "embed.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ENGINEROOM_STATE": str(room.state)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "0." in done.stdout


def test_a_model_that_was_not_made_is_asked_for(room: Room) -> None:
    said = room.run("set", "vectors", "model=other", code=1).stderr
    assert "engineroom models import other" in said
    assert room.run("embed", "vectors", "still well").stdout
