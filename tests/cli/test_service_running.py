"""A supervisor that is installed as a service: `up` lets systemd start it, `down` really ends it."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import psutil
import pytest
from fake_systemd import FakeSystemd

from cli import launch
from cli.exits import Exit
from cli.service import Service, service_of

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines", "standin_supervisor", "systemd_here"]
Run: TypeAlias = Callable[..., Awaitable[Any]]


@pytest.fixture
async def service(standin: Path, run: Run, state: Path, fake_systemd: FakeSystemd) -> Service:
    """Installed, and not running."""
    ran = await run("service", "install")
    assert ran.code == 0, ran
    fake_systemd.calls()
    return service_of(state, os.environ)


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_up_starts_the_unit_and_attaches_to_it_and_down_ends_it_until_the_next_boot(
    run: Run, service: Service, fake_systemd: FakeSystemd, state: Path
) -> None:
    ran = await run("up", "--json")
    assert ran.code == 0, ran.err
    assert f"as the service {service.name}" in ran.err
    assert "as it was installed" not in ran.err
    assert fake_systemd.calls() == [f"systemctl --user start {service.name}"]
    pid = json.loads(ran.out)["supervisor"]["pid"]
    assert launch.holder(state) == pid
    assert launch.keeper(state) is None
    seen = json.loads(await anyio.Path(state / "seen.json").read_text())
    assert seen["environ"]["ENGINEROOM_KEEPER"] == "systemd"
    assert seen["argv"][1:] == ["--state", str(state)]
    assert psutil.Process(pid).cwd() == str(state)
    assert (await run("up")).err == "already up\n"
    assert f"now       active (pid {pid})" in (await run("service", "show")).out
    assert "It runs as this service" in (await run("service", "install")).err
    fake_systemd.calls()
    down = await run("down")
    assert down.code == 0, down.err
    assert "It starts again at the next boot; `engineroom service uninstall` ends that." in down.err
    assert not lives(pid)
    assert fake_systemd.calls() == []


async def test_verbs_that_want_work_start_it(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    assert (await run("submit", "llm", "a.jsonl", "-o", "out.jsonl")).code == 0
    assert fake_systemd.calls() == [f"systemctl --user start {service.name}"]


@pytest.mark.parametrize("hindrance", ["lingering is off for ada", "the user's systemd does not answer: it is offline"])
async def test_where_systemd_cannot_keep_it_our_keeper_does(
    run: Run, service: Service, fake_systemd: FakeSystemd, hindrance: str
) -> None:
    if "lingering" in hindrance:
        (fake_systemd.folder / "linger" / "ada").unlink()
    else:
        fake_systemd.say("manager", "offline")
    ran = await run("up")
    assert ran.code == 0, ran.err
    assert f"not as the service {service.name}: {hindrance}" in ran.err
    assert fake_systemd.calls() == []


async def test_flags_do_not_reach_a_service(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    ran = await run("up", "--set", "writer.n_ctx=64")
    assert ran.code == 1
    assert "engineroom set ENGINE KEY=VALUE" in ran.err
    assert fake_systemd.calls() == []


async def test_another_configuration_than_the_installed_one_is_said(run: Run, service: Service) -> None:
    await anyio.Path("engineroom.toml").write_text('[engine.writer]\nkind = "llm"\n')
    ran = await run("up")
    assert ran.code == 0
    assert "as it was installed" in ran.err


async def test_a_unit_that_cannot_be_started(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    fake_systemd.say("start-fails", "Unit has a bad setting.")
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    assert "Unit has a bad setting." in ran.err
    assert f"systemctl --user status {service.name}" in ran.err


async def test_one_that_ends_at_once_says_its_last_words_and_not_those_of_an_earlier_one(
    run: Run, state: Path, service: Service, standin: Path
) -> None:
    await anyio.Path(state / "launch.log").write_text("an old story\n")
    await anyio.Path(standin / "supervisor" / "daemon.py").write_text("import sys\nsys.exit('the reason it failed')\n")
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    assert f"{service.name} is inactive" in ran.err
    assert "the reason it failed" in ran.err
    assert "an old story" not in ran.err


async def test_one_that_is_not_to_start_here_says_where_to_look(
    run: Run, service: Service, fake_systemd: FakeSystemd
) -> None:
    """Its condition on the host does not hold, say: for systemd that is no failure."""
    fake_systemd.say("start-ignored", "")
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    assert f"{service.name} is inactive.\n  `systemctl --user status {service.name}` says more" in ran.err


async def test_one_that_does_not_answer_in_time_is_left_to_systemd(
    run: Run, service: Service, fake_systemd: FakeSystemd, standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "START_SECONDS", 3.0)
    await anyio.Path(standin / "supervisor" / "daemon.py").write_text("import time\nwhile True: time.sleep(1)\n")
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    assert "It did not answer within 3 s" in ran.err
    pid = int((fake_systemd.folder / "pid").read_text())
    assert lives(pid)
    psutil.Process(pid).kill()


async def test_down_of_one_that_does_not_answer_goes_through_systemd(
    run: Run, service: Service, fake_systemd: FakeSystemd, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.session.RETURN_SECONDS", 0.2)
    pid = json.loads((await run("up", "--json")).out)["supervisor"]["pid"]
    await anyio.Path(state / "socket").unlink()
    fake_systemd.calls()
    ran = await run("down")
    assert ran.code == 0, ran.err
    assert f"it does not answer; systemd stops it ({service.name})" in ran.err
    assert fake_systemd.calls() == [f"systemctl --user stop {service.name}"]
    assert not lives(pid)


async def test_down_waits_for_what_systemd_still_ends_and_keeps_it_from_starting_again(
    run: Run, service: Service, fake_systemd: FakeSystemd
) -> None:
    """The supervisor crashed on its way down, say, and systemd is about to start it again."""
    await run("up")
    fake_systemd.calls()
    fake_systemd.say("condition", "activating")
    assert (await run("down")).code == 0
    assert fake_systemd.calls() == [f"systemctl --user stop {service.name}"]


async def test_one_between_two_lives_is_waited_for(
    run: Run, service: Service, fake_systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.session.RETURN_SECONDS", 0.2)
    fake_systemd.say("condition", "activating")
    ran = await run("up")
    assert ran.code == Exit.UNREACHABLE
    assert "One is running but does not answer" in ran.err
    assert fake_systemd.calls() == []


async def test_a_running_one_is_not_uninstalled_unless_forced(
    run: Run, service: Service, fake_systemd: FakeSystemd
) -> None:
    pid = json.loads((await run("up", "--json")).out)["supervisor"]["pid"]
    ran = await run("service", "uninstall")
    assert ran.code == 1
    assert "`engineroom down` first" in ran.err
    assert service.at_boot()
    assert (await run("service", "uninstall", "--force")).code == 0
    assert not service.installed()
    assert lives(pid)


async def test_one_that_runs_already_becomes_a_service_at_its_next_start(
    standin: Path, run: Run, fake_systemd: FakeSystemd
) -> None:
    pid = json.loads((await run("up", "--json")).out)["supervisor"]["pid"]
    ran = await run("service", "install")
    assert ran.code == 0
    assert f"One runs already (pid {pid})" in ran.err
    assert f"now       inactive; one runs without it (pid {pid})" in (await run("service", "show")).out
