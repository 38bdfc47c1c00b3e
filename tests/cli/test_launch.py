"""Starting a supervisor: the process is real, its module a stand-in that answers from a script."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import psutil
import pytest
from scripted_supervisor import Script

from cli import launch
from cli.exits import Exit

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines", "standin_supervisor"]
Run: TypeAlias = Callable[..., Awaitable[Any]]


async def test_up_starts_one_and_down_ends_it(standin: Path, run: Run, state: Path) -> None:
    ran = await run("up", "--json", "--set", "writer.n_ctx=64")
    assert ran.code == 0, ran.err
    pid = json.loads(ran.out)["supervisor"]["pid"]
    assert launch.holder(state) == pid
    process = psutil.Process(pid)
    assert os.getsid(pid) != os.getsid(0), "it must outlive this session"
    assert process.cwd() == str(state)
    assert (await anyio.Path(state).stat()).st_mode & 0o777 == 0o700
    seen = json.loads(await anyio.Path(state / "seen.json").read_text())
    assert seen["environ"]["ENGINEROOM_ENGINE_WRITER_N_CTX"] == "64"
    assert "--config" not in seen["argv"]
    assert (await run("up")).err == "already up\n"
    down = await run("down")
    assert down.code == 0, down.err
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert (await run("ps")).code == Exit.UNREACHABLE


async def test_the_configuration_file_is_told_by_its_absolute_path(standin: Path, run: Run, state: Path) -> None:
    await anyio.Path("mine.toml").write_text('[engine.writer]\nkind = "llm"\n')
    ran = await run("up", "--config", "mine.toml")
    assert ran.code == 0, ran.err
    argv = json.loads(await anyio.Path(state / "seen.json").read_text())["argv"]
    assert argv[argv.index("--config") + 1] == os.path.abspath("mine.toml")  # noqa: ASYNC240 (no disk is touched)


async def test_verbs_that_want_work_start_one(standin: Path, run: Run) -> None:
    ran = await run("submit", "llm", "a.jsonl", "-o", "out.jsonl")
    assert (ran.code, ran.out) == (0, "box-1\n")
    assert "starting the supervisor" in ran.err


async def test_a_start_that_fails_says_its_last_words(
    standin: Path, run: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN", "fails")
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    assert "exit code 1" in ran.err
    assert str(state / "launch.log") in ran.err
    assert "the reason it failed" in ran.err


async def test_a_bad_configuration_starts_nothing(standin: Path, run: Run, state: Path) -> None:
    await anyio.Path("engineroom.toml").write_text('[engine.writer]\nkind = "llm"\nn_ctxx = 5\n')
    ran = await run("up")
    assert ran.code == Exit.USAGE
    assert "Did you mean 'n_ctx'?" in ran.err
    assert not await anyio.Path(state).exists()


async def test_a_state_folder_that_cannot_be_made(standin: Path, run: Run) -> None:
    await anyio.Path("file").touch()
    ran = await run("up", "--state", "file/state")
    assert ran.code == 1
    assert "ENGINEROOM_STATE" in ran.err


async def test_down_of_a_supervisor_that_does_not_answer_names_its_processes(
    standin: Path, run: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.session.RETURN_SECONDS", 0.2)
    pid = json.loads((await run("up", "--json")).out)["supervisor"]["pid"]
    await anyio.Path(state / "socket").unlink()
    ran = await run("down")
    assert ran.code == Exit.UNREACHABLE
    assert f"kill -KILL {pid}" in ran.err


async def test_a_command_waits_for_a_supervisor_that_is_coming_back(
    script: Script, run: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its keeper lives, its socket is away for a moment."""
    socket, away = anyio.Path(state / "socket"), anyio.Path(state / "away")
    await socket.rename(away)
    looked: list[Path] = []

    def kept(folder: Path, environ: object) -> bool:
        if not looked:
            (state / "away").rename(state / "socket")
        looked.append(folder)
        return True

    monkeypatch.setattr(launch, "kept", kept)
    ran = await run("status")
    assert (ran.code, looked) == (0, [state])


async def test_a_stale_lock_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(str(os.getpid()))
    (tmp_path / "keeper.pid").write_text("not a pid")
    assert launch.holder(tmp_path) is None
    assert launch.keeper(tmp_path) is None
    assert not launch.kept(tmp_path, {})


async def test_one_that_runs_and_does_not_answer_is_not_started_twice(
    standin: Path, run: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.session.RETURN_SECONDS", 0.2)
    pid = json.loads((await run("up", "--json")).out)["supervisor"]["pid"]
    await anyio.Path(state / "socket").unlink()
    await anyio.Path(state / "supervisor.log").write_text("what it last said\n")
    ran = await run("submit", "llm", "a.jsonl", "-o", "out.jsonl")
    assert ran.code == Exit.UNREACHABLE
    assert "what it last said" in ran.err
    assert launch.holder(state) == pid


async def test_one_that_crashes_again_and_again_is_given_up(
    standin: Path, run: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper that was started for it goes too, or it would go on for ever."""
    monkeypatch.setattr(launch, "START_SECONDS", 0.5)
    keeper = "import os, time\nprint('keeper', os.getpid(), flush=True)\nwhile True: time.sleep(1)\n"
    await anyio.Path(standin / "supervisor" / "keeper.py").write_text(keeper)
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    said = await anyio.Path(state / "launch.log").read_text()
    assert not psutil.pid_exists(int(said.split()[1]))


async def test_the_demo_stays_in_its_folder(standin: Path, run: Run, tmp_path: Path) -> None:
    """Not in a terminal it waits, shows answers and takes the supervisor down again."""
    folder = tmp_path / "demo-out"
    ran = await run("demo", "prompts.jsonl")
    assert ran.code == 0, ran.err
    assert "box-1 done 3/3" in ran.err
    assert launch.holder(folder / "state") is None
    assert not await anyio.Path(tmp_path / "state").exists()
    assert (await run("ps", "--state", str(folder / "state"))).code == Exit.UNREACHABLE


async def test_the_demo_says_what_it_takes_to_speak_the_story(
    standin: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path / "data"))
    await anyio.Path(tmp_path / "story.txt").write_text("Once upon a time.")
    ran = await run("demo", "prompts.jsonl")
    assert ran.code == 0, ran.err
    assert ran.err.count("story.txt is not spoken: `engineroom env sync tts` makes the environment for it\n") == 1
    assert "audiobook" not in ran.out


@pytest.mark.parametrize("name", ["answers.jsonl", "story.m4b"])
async def test_the_demo_replaces_nothing_that_no_demo_wrote(standin: Path, run: Run, tmp_path: Path, name: str) -> None:
    await anyio.Path(tmp_path / "story.txt").write_text("Once upon a time.")
    mine = anyio.Path(tmp_path / "here" / name)
    await mine.parent.mkdir()
    await mine.write_text("mine")
    ran = await run("demo", "prompts.jsonl", "-o", "here")
    assert ran.code == 1
    assert f"{mine} is there, and no demo wrote it." in ran.err
    assert await mine.read_text() == "mine"
    await mine.unlink()
    assert (await run("demo", "prompts.jsonl", "-o", "here")).code == 0
    await mine.write_text("of that demo")
    assert (await run("demo", "prompts.jsonl", "-o", "here")).code == 0
    assert not await mine.exists()


async def test_crashes_are_not_waited_for_to_the_end(standin: Path, run: Run, state: Path) -> None:
    keeper = "import os, sys\nwhile True: os.spawnv(os.P_WAIT, sys.executable, sys.argv[sys.argv.index('--') + 1:])\n"
    daemon = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "(Path(sys.argv[sys.argv.index('--state') + 1]) / 'lock').write_text(str(os.getpid()))\n"
        "time.sleep(0.2)\nsys.exit('it crashed')\n"
    )
    await anyio.Path(standin / "supervisor" / "keeper.py").write_text(keeper)
    await anyio.Path(standin / "supervisor" / "daemon.py").write_text(daemon)
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    assert "It crashed 3 times" in ran.err
    assert "it crashed" in ran.err
