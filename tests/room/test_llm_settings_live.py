"""Settings of a real language model changed with `engineroom set` while a job runs: every unit once, no new process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from room_kit import Room, open_room, wait_for

WRITER = """
[engine.writer]
kind = "llm"
n_ctx = 512
parallel = 2
threads = 1
temperature = 0.0
"""
UNITS = 600
LONG = "root ::= [a-z ]{120}"
ANIMAL = {
    "type": "object",
    "properties": {"legs": {"type": "integer", "minimum": 0, "maximum": 8}},
    "required": ["legs"],
}


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room(WRITER) as room:
        room.run("up")
        room.run("start", "writer")
        room.await_engine("writer", "ready")
        yield room


def submit(room: Room, units: int, **more: object) -> tuple[str, Path]:
    source, out = room.work / "p.jsonl", room.work / "out.jsonl"
    lines = [json.dumps({"id": n, "prompt": f"What is {n}?", "max_tokens": 160, **more}) for n in range(units)]
    source.write_text("\n".join(lines))
    return room.submit("llm", str(source), "-o", str(out), "--engine", "writer"), out


def await_end(room: Room, job: str) -> str:
    wait_for(lambda: room.job(job)["state"] in ("done", "done with problems", "failed"), "the job ends", 60)
    return str(room.job(job)["state"])


def test_settings_change_while_a_job_runs_and_every_unit_is_there_once(room: Room) -> None:
    job, out = submit(room, UNITS, grammar=LONG)
    pid = room.engine("writer")["pid"]
    template = room.work / "own.jinja"
    template.write_text("{{ messages[0].content }}")
    for wanted in (
        ("type_k=q8_0", "type_v=q8_0"),
        ("n_ubatch=64",),
        (f"chat_template={template}",),
        ("chat_template=", "threads_batch=2"),
    ):
        room.run("set", "writer", *wanted)
    assert room.job(job)["state"] == "running", "all of it happened while the job ran"
    for change, why in (
        ("flash_attn=off", "q8_0 need flash attention"),
        ("lora=/nowhere.gguf", "/nowhere.gguf does not exist"),
        ("chat_template={% for %}", "no Jinja template"),
    ):
        refused = room.run("set", "writer", change, code=None)
        assert refused.returncode != 0
        assert why in refused.stdout + refused.stderr
    assert await_end(room, job) == "done"
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == list(range(UNITS))
    assert room.engine("writer")["pid"] == pid


def test_a_job_with_a_schema_writes_json_and_bad_lines_are_set_aside(room: Room) -> None:
    job, out = submit(room, 20, json_schema=ANIMAL, temperature=1.5)
    assert await_end(room, job) == "done"
    for line in out.read_text().splitlines():
        jsonschema.validate(json.loads(json.loads(line)["answer"]), ANIMAL)
    source = room.work / "bad.jsonl"
    good = {"prompt": "Hello", "max_tokens": 4}
    lines = [good, {**good, "json_schema": {"not": {}}}, {**good, "grammar": "root ::= nothing"}, good]
    source.write_text("\n".join(map(json.dumps, lines)))
    job = room.submit("llm", str(source), "-o", str(room.work / "some.jsonl"), "--engine", "writer")
    assert await_end(room, job) == "done with problems"
    assert len((room.work / "some.jsonl").read_text().splitlines()) == 2
