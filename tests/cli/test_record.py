"""`--record` against a scripted supervisor, as a process: it takes signals."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
from scripted_supervisor import Script

from ipc import control

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]


def asked(script: Script, *kinds: type[control.Command]) -> list[control.Command]:
    return [one for one in script.asked if isinstance(one, kinds)]


async def test_it_records_submits_and_ends_with_the_last_job(script: Script, run_process: Run, tmp_path: Path) -> None:
    script.ends = "done with problems"
    ran = await run_process(
        *("--record", "night.jsonl.zst", "--json"),
        *("--job", "llm:a.jsonl:a.out", "--job", "llm:b:c.jsonl:b.out"),
    )
    assert ran.code == 4, ran.err
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [(row["id"], row["state"]) for row in rows] == [
        ("box-1", "done with problems"),
        ("box-2", "done with problems"),
    ]
    path = str(tmp_path / "night.jsonl.zst")
    assert asked(script, control.Record, control.Submit, control.StopRecording) == [
        control.Record(path),
        control.Submit("llm", "", (str(tmp_path / "a.jsonl"),), str(tmp_path / "a.out"), ""),
        control.Submit("llm", "", (str(tmp_path / "b:c.jsonl"),), str(tmp_path / "b.out"), ""),
        control.StopRecording(),
    ]


async def test_a_supervisor_that_was_started_again_is_asked_again(script: Script, run_process: Run) -> None:
    script.cuts = 1
    ran = await run_process("--record", "night.jsonl.zst", "--job", "llm:a.jsonl:a.out")
    assert ran.code == 0, ran.err
    assert len(asked(script, control.Record)) == 2


async def test_a_refused_job_ends_the_recording(script: Script, run_process: Run) -> None:
    script.fails = control.Submit
    ran = await run_process("--record", "night.jsonl.zst", "--job", "llm:a.jsonl:a.out")
    assert ran.code == 1
    assert "Did you mean" in ran.err
    assert script.asked[-1] == control.StopRecording()


async def test_for_is_a_limit(script: Script, run_process: Run) -> None:
    script.ends = "running"
    ran = await run_process("--record", "night.jsonl.zst", "--job", "llm:a.jsonl:a.out", "--for", "200ms")
    assert ran.code == 130
    assert "the time is over" in ran.err
    assert script.recording is None
    assert (await run_process("--record", "night.jsonl.zst", "--for", "200ms")).code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_recording_and_nothing_else(
    script: Script, state: Path, number: signal.Signals
) -> None:
    with anyio.fail_after(20):
        command = [sys.executable, str(ROOT / "engineroom.py"), "--record", "night.jsonl.zst"]
        async with await anyio.open_process(command) as process:
            await until(lambda: bool(asked(script, control.Watch)))
            process.send_signal(number)
            assert await process.wait() == 0
    assert asked(script, control.StopRecording, control.Down) == [control.StopRecording()]


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 (the service runs in this loop and has no event for it)
        await anyio.sleep(0.01)
