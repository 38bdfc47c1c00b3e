"""`submit` against a scripted supervisor: what it sends, from where it reads, how it ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pexpect
import pytest
from msgspec.structs import replace
from scripted_supervisor import DETAIL, JOB, Script

from ipc import control
from ipc.errors import Problem
from ipc.snapshot import JobChanged, UnitProblem

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
ROOT = Path(__file__).parents[2]
Run: TypeAlias = Callable[..., Awaitable[Any]]
PIECE_BYTES = 2**20


def submitted(script: Script) -> control.Submit:
    (wish,) = (one for one in script.asked if isinstance(one, control.Submit))
    return wish


async def test_submit(script: Script, run: Run, tmp_path: Path) -> None:
    ran = await run(
        *("submit", "llm", "a.jsonl", "/b.jsonl", "-o", "out.jsonl", "--engine", "writer", "--on-done", "true"),
        *("--priority", "8", "--after", "box-3", "--after", "box-4"),
    )
    assert (ran.code, ran.out, ran.err) == (0, "box-1\n", "")
    inputs = (str(tmp_path / "a.jsonl"), "/b.jsonl")
    assert submitted(script) == control.Submit(
        "llm", "writer", inputs, str(tmp_path / "out.jsonl"), "true", 8, ("box-3", "box-4")
    )
    shape = json.loads((await run("submit", "llm", "a", "-o", "b", "--priority", "8", "--json")).out)
    assert (shape["id"], shape["priority"], shape["after"]) == ("box-2", 8, [])


async def test_folders_and_patterns_go_as_they_are_and_a_slash_at_the_end_stays(
    script: Script, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    await run("submit", "llm", "talks/*.wav", "talks", "more/", "~/x?.jsonl", "/", "[ab].jsonl", "-o", "out/")
    wish = submitted(script)
    here = str(tmp_path)
    assert wish.inputs == (
        f"{here}/talks/*.wav",
        f"{here}/talks",
        f"{here}/more/",
        "/home/ada/x?.jsonl",
        "/",
        f"{here}/[ab].jsonl",
    )
    assert wish.output == f"{here}/out/"


@pytest.mark.parametrize(
    "arguments",
    [
        ["llm", "/a", "/b", "-o", "/out"],
        ["llm", "-o", "/out", "/a", "/b"],
        ["-o", "/out", "llm", "/a", "/b"],
        ["llm", "/a", "-o", "/out", "/b"],
        ["llm", "--priority", "5", "/a", "--engine", "", "/b", "-o", "/out"],
    ],
)
async def test_inputs_stand_before_or_behind_options(script: Script, run: Run, arguments: list[str]) -> None:
    assert (await run("submit", *arguments)).code == 0
    assert submitted(script) == control.Submit("llm", "", ("/a", "/b"), "/out", "")


async def test_settings_of_its_own_go_along(script: Script, run: Run, tmp_path: Path) -> None:
    (tmp_path / "fr.d").mkdir()
    told = ("--set", "language=fr", "--set", "formats=srt,json", "--set", "prompt=a=b", "--set", "nobody=1")
    assert (await run("submit", "stt", "/a", "-o", "/out/", *told)).code == 0
    assert submitted(script).own == {"language": "fr", "formats": "srt,json", "prompt": "a=b", "nobody": "1"}


async def test_a_setting_without_a_value_is_refused(script: Script, run: Run) -> None:
    ran = await run("submit", "stt", "/a", "-o", "/out/", "--set", "language")
    assert (ran.code, "'language' is not KEY=VALUE" in ran.err, script.asked) == (1, True, [])


async def test_after_another_job_no_input_is_needed(script: Script, run: Run) -> None:
    assert (await run("submit", "llm", "--after", "box-7", "-o", "/out")).code == 0
    assert submitted(script) == control.Submit("llm", "", (), "/out", "", 5, ("box-7",))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["llm", "-o", "/out"], "--after JOB"),
        (["llm", "-", "-", "-o", "/out"], "only once"),
        (["llm", "/a", "-o", "/out", "--priority", "0"], "invalid choice: 0"),
        (["llm", "/a", "-o", "/out", "--priority", "10"], "invalid choice: 10"),
        (["llm", "-o", "/out", "/a", "--wiat"], "--wiat"),
    ],
)
async def test_what_makes_no_sense_is_told_before_anything_is_asked(
    script: Script, run: Run, arguments: list[str], says: str
) -> None:
    ran = await run("submit", *arguments)
    assert (ran.code, ran.out, script.asked) == (2, "", [])
    assert says in ran.err


async def test_an_unknown_kind_is_the_boxs_answer(script: Script, run_process: Run) -> None:
    ran = await run_process("submit", "dream", "-", "-o", "/out", stdin=b"x")
    assert (ran.code, submitted(script).kind, list(script.spooled)) == (0, "dream", ["/spool/0-stdin"])


@pytest.mark.parametrize(("end", "code"), [("done", 0), ("done with problems", 4), ("failed", 5), ("cancelled", 5)])
async def test_submit_and_wait(script: Script, run: Run, end: Any, code: int) -> None:
    script.ends = end
    ran = await run("submit", "llm", "a.jsonl", "-o", "out.jsonl", "--wait", "--json")
    assert ran.code == code
    assert json.loads(ran.out)["state"] == end
    assert f"box-1 {end} 3/3" in ran.err


@pytest.mark.parametrize("verb", [("submit", "tts", "a", "-o", "b", "--wait"), ("job", "wait", "box-1")])
async def test_at_the_end_the_first_problems_are_told_with_their_way_out(
    script: Script, run: Run, verb: tuple[str, ...]
) -> None:
    piece = UnitProblem("/in/empty.txt", None, Problem("Empty document", "empty.txt is empty.", "Give it text."), ())
    script.ends, script.detail = "failed", replace(DETAIL, problems=(*DETAIL.problems, piece, piece, piece, piece))
    err = (await run(*verb)).err
    assert "engineroom: Bad line: /in.jsonl, line 2: It is no JSON.\n  Mend it.\n" in err
    assert err.count("engineroom: Empty document: empty.txt is empty.\n  Give it text.\n") == 2
    assert "… and 2 more: engineroom job problems box-1\n" in err
    script.ends = "done"
    assert "Empty" not in (await run(*verb)).err


async def test_while_it_waits_a_hold_is_told_with_its_reason(script: Script, run: Run) -> None:
    held = replace(JOB, state="held", reason="heat: GPU 0 has 92 °C")
    script.news = (
        JobChanged(held),
        JobChanged(replace(held, reason="heat: GPU 0 has 91 °C")),
        JobChanged(replace(held, reason="memory: 3.9 GiB short")),
    )
    err = (await run("submit", "llm", "a", "-o", "b", "--wait")).err.splitlines()
    assert [line for line in err if " held " in line] == [
        "box-1 held 0/— · heat: GPU 0 has 92 °C",
        "box-1 held 0/— · memory: 3.9 GiB short",
    ]


@pytest.mark.parametrize("size", [0, 5, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 7])
async def test_stdin_is_kept_on_the_box_piece_by_piece(script: Script, run_process: Run, size: int) -> None:
    data = os.urandom(size)
    ran = await run_process("submit", "llm", "-", "/b.jsonl", "-o", "/out", stdin=data)
    assert (ran.code, ran.out, ran.err) == (0, "box-1\n", "")
    assert script.spooled == {"/spool/0-stdin.jsonl": data}
    sizes = [len(one.data) for one in script.asked if isinstance(one, control.Spool)]
    assert sizes == ([PIECE_BYTES] * (size // PIECE_BYTES) + [size % PIECE_BYTES] * bool(size % PIECE_BYTES) or [0])
    assert submitted(script).inputs == ("/spool/0-stdin.jsonl", "/b.jsonl")


async def test_pieces_leave_while_stdin_goes_on(script: Script) -> None:
    """So that no more than a piece is ever in memory."""
    command = [sys.executable, str(ROOT / "engineroom.py"), "submit", "llm", "-", "-o", "/out"]
    with anyio.fail_after(30):
        async with await anyio.open_process(command) as process:
            assert process.stdin is not None
            await process.stdin.send(b"x" * (PIECE_BYTES + 1))
            await script.spooling.wait()
            assert [len(data) for data in script.spooled.values()] == [PIECE_BYTES]
            await process.stdin.aclose()
            assert await process.wait() == 0
    assert [len(data) for data in script.spooled.values()] == [PIECE_BYTES + 1]


async def test_stdin_may_be_a_file(script: Script, tmp_path: Path) -> None:
    """Which no loop can wait for."""
    source = tmp_path / "prompts"
    source.write_bytes(b"y" * 100)
    command = f"exec '{sys.executable}' '{ROOT}/engineroom.py' submit llm - -o /out < '{source}'"
    with anyio.fail_after(30):
        await anyio.run_process(["sh", "-c", command])
    assert script.spooled == {"/spool/0-stdin.jsonl": b"y" * 100}


@pytest.mark.parametrize(("closing", "says"), [("<&-", "No stdin"), ("0> writable", "Bad file descriptor")])
async def test_a_stdin_that_cannot_be_read(script: Script, closing: str, says: str) -> None:
    command = f"exec '{sys.executable}' '{ROOT}/engineroom.py' submit llm - -o /out {closing}"
    with anyio.fail_after(30):
        done = await anyio.run_process(["sh", "-c", command], check=False)
    assert done.returncode == 1
    assert says in done.stderr.decode()
    assert not any(isinstance(one, control.Submit) for one in script.asked)


async def test_a_terminal_as_stdin_is_read_until_ctrl_d(script: Script) -> None:
    with terminal("submit", "llm", "-", "-o", "/out") as child:
        await expect(child, "until ctrl\\+d")
        child.sendline("hello")
        child.sendeof()
        await expect(child, "box-1")
        await expect(child, pexpect.EOF)
    assert script.spooled == {"/spool/0-stdin.jsonl": b"hello\n"}


async def test_ctrl_c_ends_it_while_it_reads(script: Script) -> None:
    with terminal("submit", "llm", "-", "-o", "/out") as child:
        await expect(child, "until ctrl\\+d")
        child.sendintr()
        await expect(child, pexpect.EOF)
        assert await anyio.to_thread.run_sync(child.wait) == 130
    assert script.spooled == {}


def terminal(*arguments: str) -> Any:
    return pexpect.spawn(sys.executable, [str(ROOT / "engineroom.py"), *arguments], timeout=20)


async def expect(child: Any, what: Any) -> None:
    await anyio.to_thread.run_sync(child.expect, what)
