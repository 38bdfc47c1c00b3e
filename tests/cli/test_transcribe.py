"""`transcribe` against a scripted supervisor: what it submits, what it prints, what it leaves behind."""

from __future__ import annotations

import os
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
ROOT = Path(__file__).parents[2]
Run: TypeAlias = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path / "scratch"


def submitted(script: Script) -> control.Submit:
    (wish,) = (one for one in script.asked if isinstance(one, control.Submit))
    return wish


async def test_without_an_output_the_text_is_printed_and_nothing_stays(
    script: Script, run_process: Run, tmp_path: Path, scratch: Path
) -> None:
    script.writes = "Start the engine.\n"
    ran = await run_process("transcribe", "talk.mp3", "talks/", "--language", "fr", "--translate", "--engine", "ear")
    assert (ran.code, ran.out) == (0, "Start the engine.\n")
    assert "box-1 done" in ran.err
    wish = submitted(script)
    assert (wish.kind, wish.engine, wish.own) == ("stt", "ear", {"language": "fr", "task": "translate"})
    assert wish.inputs == (str(tmp_path / "talk.mp3"), f"{tmp_path}/talks/")
    assert wish.output.endswith("/text.txt")
    assert script.asked[-1] == control.ClearJobs(("box-1",), force=True)
    assert os.listdir(scratch) == []


async def test_a_form_is_printed_as_it_is(script: Script, run_process: Run) -> None:
    script.writes = "1\n00:00:00,000 --> 00:00:01,000\nStop.\n\n"
    ran = await run_process("transcribe", "-", "--format", "srt", stdin=b"RIFF")
    assert (ran.code, ran.out) == (0, script.writes)
    assert submitted(script).output.endswith("/text.srt")
    assert submitted(script).own == {}
    assert list(script.spooled.values()) == [b"RIFF"]


async def test_with_an_output_it_stays_and_its_name_is_printed(script: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("transcribe", "a.wav", "-o", "a.txt", "--format", "srt", "--format", "json", "--format", "srt")
    assert (ran.code, ran.out) == (0, f"{tmp_path}/a.txt\n")
    assert submitted(script).own == {"formats": "srt,json"}
    assert not any(isinstance(one, control.ClearJobs) for one in script.asked)


async def test_a_folder_that_is_there_needs_no_slash(script: Script, run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    await run("transcribe", "a.wav", "b.wav", "-o", "out")
    assert submitted(script).output == f"{tmp_path}/out/"


@pytest.mark.parametrize(("end", "code", "out"), [("done with problems", 4, "One.\n"), ("failed", 5, "")])
async def test_problems_are_told_and_the_exit_code_says_so(
    script: Script, run_process: Run, end: Any, code: int, out: str, scratch: Path
) -> None:
    script.ends, script.writes = end, out or None
    ran = await run_process("transcribe", "a.wav")
    assert (ran.code, ran.out) == (code, out)
    assert "Bad line" in ran.err
    assert os.listdir(scratch) == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["transcribe", "a.wav", "--format", "srt", "--format", "json"], 1, "-o talk.txt"),
        (["transcribe", "-", "-"], 2, "only once"),
        (["transcribe", "a.wav", "--format", "docx"], 2, "docx"),
        (["transcribe"], 2, "FILE"),
        (["--host", "box", "transcribe", "/a.wav"], 1, "-o /data/talk.txt"),
    ],
)
async def test_what_cannot_be_is_told_before_anything_is_asked(
    script: Script, run: Run, arguments: list[str], code: int, says: str, scratch: Path
) -> None:
    ran = await run(*arguments)
    assert (ran.code, ran.out, script.asked) == (code, "", [])
    assert says in ran.err
    assert os.listdir(scratch) == []


@pytest.mark.parametrize(
    ("more", "asked", "says"),
    [
        ([], [control.CancelJob("box-1"), control.ClearJobs(("box-1",), force=True)], ""),
        (["-o", "/out.txt"], [control.CancelJob("box-1")], "`engineroom job retry box-1` goes on with the rest"),
    ],
)
async def test_ctrl_c_cancels_the_job(
    script: Script, more: list[str], asked: list[control.Command], says: str, scratch: Path
) -> None:
    script.endless = True
    command = [sys.executable, str(ROOT / "engineroom.py"), "transcribe", "/a.wav", *more]
    with anyio.fail_after(30):
        async with await anyio.open_process(command) as process:
            while not any(isinstance(one, control.Watch) for one in script.asked):  # noqa: ASYNC110 (no event tells)
                await anyio.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            told = b"".join([piece async for piece in process.stderr]).decode()
            assert await process.wait() == 130
    assert [one for one in script.asked if isinstance(one, control.CancelJob | control.ClearJobs)] == asked
    assert says in told
    assert os.listdir(scratch) == []
