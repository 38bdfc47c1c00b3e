"""`transcribe` against a scripted supervisor: what it submits, what it prints, what it leaves behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
from anyio.abc import Process
from scripted_supervisor import Script, listening

from ipc import control
from ipc.snapshot import JobGone

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
ROOT = Path(__file__).parents[2]
LONG = "word " * 200_000
"""More than a pipe takes."""
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


def cleared(script: Script) -> list[control.Command]:
    return [one for one in script.asked if isinstance(one, control.ClearJobs)]


@asynccontextmanager
async def started(*arguments: str, before: Sequence[str] = ()) -> AsyncIterator[Process]:
    """`transcribe` as a process that can be told to leave."""
    command = [*before, sys.executable, str(ROOT / "engineroom.py"), "transcribe", *arguments]
    with anyio.fail_after(30):
        async with await anyio.open_process(command) as process:
            yield process


async def said(process: Process) -> str:
    """All that it narrated."""
    assert process.stderr is not None
    return b"".join([piece async for piece in process.stderr]).decode()


async def watched(script: Script) -> None:
    """Once it waits for the job."""
    while not any(isinstance(one, control.Watch) for one in script.asked):  # noqa: ASYNC110 (no event tells)
        await anyio.sleep(0.01)


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
async def test_a_job_with_problems_stays_with_what_it_writes_so_that_people_can_look(
    script: Script, run_process: Run, end: Any, code: int, out: str, scratch: Path
) -> None:
    script.ends, script.writes = end, out or None
    ran = await run_process("transcribe", "a.wav")
    assert (ran.code, ran.out) == (code, out)
    assert "Bad line" in ran.err
    assert f"box-1 is kept, and what it writes ({submitted(script).output}): engineroom job problems box-1" in ran.err
    assert cleared(script) == []
    assert Path(submitted(script).output).parent.is_dir()


async def test_a_job_that_somebody_else_cleared_leaves_no_folder(
    script: Script, run_process: Run, scratch: Path
) -> None:
    script.endless, script.news = True, (JobGone("box-1"),)
    ran = await run_process("transcribe", "a.wav")
    assert ran.code == 1
    assert "no longer knows box-1" in ran.err
    assert os.listdir(scratch) == []


async def test_who_reads_only_the_beginning_leaves_nothing_behind(script: Script, scratch: Path) -> None:
    script.writes = LONG
    bash = ["bash", "-c", '"$0" "$@" | head -c 5; exit ${PIPESTATUS[0]}']
    async with started("/a.wav", before=bash) as process:
        assert "Traceback" not in await said(process)
        assert await process.wait() == 141
    assert cleared(script) == [control.ClearJobs(("box-1",), force=True)]
    assert os.listdir(scratch) == []


async def test_where_nobody_reads_what_is_narrated_the_job_is_taken_along(script: Script, scratch: Path) -> None:
    script.endless = True
    bash = ["bash", "-c", '"$0" "$@" 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}']
    async with started("/a.wav", before=bash) as process:
        assert await process.wait() == 141
    asked = [one for one in script.asked if isinstance(one, control.CancelJob | control.ClearJobs)]
    assert asked == [control.CancelJob("box-1"), control.ClearJobs(("box-1",), force=True)]
    assert os.listdir(scratch) == []


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_told_to_leave_while_nobody_reads_it_tidies_up(
    script: Script, scratch: Path, told: signal.Signals
) -> None:
    script.writes = LONG
    async with started("/a.wav") as process:
        assert process.stdout is not None
        await process.stdout.receive(5)
        process.send_signal(told)
        assert await process.wait() == 130
    assert cleared(script) == [control.ClearJobs(("box-1",), force=True)]
    assert os.listdir(scratch) == []


async def test_what_stdout_does_not_take_stays(script: Script) -> None:
    script.writes = LONG
    async with started("/a.wav", before=["sh", "-c", 'exec "$0" "$@" >/dev/full']) as process:
        told = await said(process)
        assert await process.wait() == 1
    assert f"The text is in {submitted(script).output}" in told
    assert "Traceback" not in told
    assert cleared(script) == []
    assert await anyio.Path(submitted(script).output).read_text() == LONG


@pytest.mark.parametrize("more", [[], ["-o", "/out.txt"]])
async def test_without_a_supervisor_the_job_goes_on_and_can_still_write(
    run: Run, state: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    monkeypatch.setattr("cli.waiting.AWAY_SECONDS", -1.0)
    monkeypatch.setattr("cli.transcribe.cancelled_when_told", anyio.CancelScope)  # only main threads have signals
    script, ran = Script(state, endless=True), []

    async def transcribe() -> None:
        ran.append(await run("transcribe", "/a.wav", *more))

    async with anyio.create_task_group() as tasks, listening(script):
        tasks.start_soon(transcribe)
        await watched(script)
    assert [(one.code, one.out) for one in ran] == [(3, "")]
    assert "box-1 goes on without us" in ran[0].err
    assert "engineroom job wait box-1" in ran[0].err
    if not more:
        assert submitted(script).output in ran[0].err
        assert Path(submitted(script).output).parent.is_dir()
    assert cleared(script) == []


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
    ("told", "more", "asked", "says"),
    [
        (signal.SIGINT, [], [control.CancelJob("box-1"), control.ClearJobs(("box-1",), force=True)], ""),
        (signal.SIGTERM, [], [control.CancelJob("box-1"), control.ClearJobs(("box-1",), force=True)], ""),
        (signal.SIGHUP, [], [control.CancelJob("box-1"), control.ClearJobs(("box-1",), force=True)], ""),
        (signal.SIGINT, ["-o", "/out.txt"], [control.CancelJob("box-1")], "`engineroom job retry box-1` goes on"),
    ],
)
async def test_told_to_leave_it_cancels_the_job(
    script: Script, told: signal.Signals, more: list[str], asked: list[control.Command], says: str, scratch: Path
) -> None:
    script.endless = True
    async with started("/a.wav", *more) as process:
        await watched(script)
        process.send_signal(told)
        assert says in await said(process)
        assert await process.wait() == 130
    assert [one for one in script.asked if isinstance(one, control.CancelJob | control.ClearJobs)] == asked
    assert os.listdir(scratch) == []


async def test_a_lost_line_does_not_cancel_a_job_that_has_an_output(script: Script) -> None:
    script.endless = True
    async with started("/a.wav", "-o", "/out.txt") as process:
        await watched(script)
        process.send_signal(signal.SIGHUP)
        assert await process.wait() == -signal.SIGHUP
    assert not any(isinstance(one, control.CancelJob) for one in script.asked)


async def test_nohup_is_heeded(script: Script) -> None:
    script.endless = True
    async with started("/a.wav", before=["nohup"]) as process:
        await watched(script)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        await said(process)
        assert await process.wait() == 130
