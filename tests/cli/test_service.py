"""`engineroom service`: what it writes, what it tells systemd, and what it takes back."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from fake_systemd import FakeSystemd

from cli.exits import Exit
from cli.service import Service, service_of
from cli.unit_text import mark_of

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines", "systemd_here"]
Run: TypeAlias = Callable[..., Awaitable[Any]]


@pytest.fixture
def service(state: Path) -> Service:
    return service_of(state, os.environ)


def written(service: Service) -> str:
    text = service.text()
    assert text is not None
    return text


def configure(text: str, name: str = "engineroom.toml") -> Path:
    """In the current folder; returns the absolute path."""
    path = Path.cwd() / name
    path.write_text(text)
    return path


def outcomes(out: str) -> list[str]:
    return [line[:7].strip() for line in out.splitlines()]


async def test_install_says_each_step_and_does_it(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    ran = await run("service", "install")
    assert (ran.code, outcomes(ran.out)) == (0, ["done"] * 4), ran
    assert fake_systemd.calls() == [
        "loginctl enable-linger ada",
        "systemctl --user daemon-reload",
        f"systemctl --user enable {service.name}",
    ]
    assert fake_systemd.lingers()
    assert service.at_boot()
    assert str(service.file) in ran.out
    assert "no configuration file" in ran.out
    assert "`engineroom up` starts it now" in ran.err
    assert service.file.stat().st_mode & 0o777 == 0o600


async def test_install_again_changes_nothing(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    await run("service", "install")
    before, inode = written(service), service.file.stat().st_ino
    fake_systemd.calls()
    ran = await run("service", "install")
    assert (ran.code, outcomes(ran.out)) == (0, ["as is", "as is", "done", "done"])
    assert (written(service), service.file.stat().st_ino) == (before, inode)
    assert "loginctl enable-linger ada" not in fake_systemd.calls()


async def test_install_follows_the_configuration(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    await run("service", "install")
    config = configure('[engine.writer]\nkind = "llm"\n', "mine.toml")
    ran = await run("service", "install", "--config", "mine.toml")
    assert ran.code == 0
    assert f"it runs with {config}" in ran.out
    assert f"--config {config}" in written(service)
    mark = mark_of(written(service))
    assert mark is not None
    assert mark.lingered, "it is still we who enabled lingering"


@pytest.mark.parametrize("lingered", [True, False])
async def test_uninstall_takes_back_what_install_did(
    run: Run, service: Service, fake_systemd: FakeSystemd, lingered: bool
) -> None:
    if not lingered:
        fake_systemd.linger()
    await run("service", "install")
    fake_systemd.calls()
    ran = await run("service", "uninstall")
    assert (ran.code, outcomes(ran.out)) == (0, ["done", "done", "done", "done" if lingered else "as is"])
    calls = [f"systemctl --user disable {service.name}", "systemctl --user daemon-reload"]
    assert fake_systemd.calls() == calls + ["loginctl disable-linger ada"] * lingered
    assert fake_systemd.lingers() is not lingered
    assert not service.installed()
    assert not service.link.is_symlink()
    again = await run("service", "uninstall")
    assert (again.code, outcomes(again.out)) == (0, ["as is"])


async def test_lingering_that_is_refused_is_left_to_be_typed(
    run: Run, service: Service, fake_systemd: FakeSystemd
) -> None:
    fake_systemd.say("loginctl-fails", "Could not enable linger: Access denied")
    ran = await run("service", "install")
    assert (ran.code, outcomes(ran.out)) == (1, ["failed", "done", "done", "done"])
    assert "Access denied" in ran.out
    assert "  sudo loginctl enable-linger ada\n" in ran.err
    mark = mark_of(written(service))
    assert mark is not None
    assert not mark.lingered


@pytest.mark.parametrize("has", ["a systemd that does not answer", "no systemctl at all"])
async def test_without_an_answering_systemd_the_file_is_written_and_the_rest_is_said(
    run: Run, service: Service, fake_systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has: str
) -> None:
    if has == "no systemctl at all":
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    else:
        fake_systemd.linger()
        fake_systemd.say("manager", "offline")
    ran = await run("service", "install")
    first, why = ("failed", "there is no systemctl here") if "no systemctl" in has else ("as is", "it is offline")
    assert (ran.code, outcomes(ran.out)) == (1, [first, "done", "failed", "failed"])
    assert f"does not answer ({why})" in ran.out
    assert f"  systemctl --user daemon-reload\n  systemctl --user enable {service.name}\n" in ran.err
    assert "Until then nothing starts at boot" in ran.err
    assert written(service)
    shown = await run("service", "show")
    assert f"does not answer: {why}" in shown.out
    gone = await run("service", "uninstall")
    assert gone.code == 1
    assert "  systemctl --user daemon-reload\n" in gone.err
    assert not service.installed()


async def test_a_link_that_systemd_cannot_remove_goes_all_the_same(
    run: Run, service: Service, fake_systemd: FakeSystemd
) -> None:
    await run("service", "install")
    fake_systemd.say("manager", "offline")
    await run("service", "uninstall")
    assert not service.link.is_symlink()


@pytest.mark.parametrize("foreign", [True, False])
async def test_a_file_that_was_edited_is_left_alone_unless_forced(
    run: Run, service: Service, fake_systemd: FakeSystemd, foreign: bool
) -> None:
    await run("service", "install")
    ours = written(service)
    edited = "[Service]\nExecStart=/bin/true\n" if foreign else ours.replace("RestartSec=2", "RestartSec=9")
    service.file.write_text(edited)
    fake_systemd.calls()
    for verb in ("install", "uninstall"):
        ran = await run("service", verb)
        assert ran.code == 1
        assert "Edited by hand" in ran.err
        assert f"systemctl --user edit {service.name}" in ran.err
        assert written(service) == edited
    assert fake_systemd.calls() == []
    assert "(edited by hand)" in (await run("service", "show")).out
    assert (await run("service", "install", "--force")).code == 0
    assert (written(service) == ours) is not foreign, "a foreign file does not tell that we enabled lingering"
    service.file.write_text(edited)
    assert (await run("service", "uninstall", "--force")).code == 0
    assert not service.installed()


async def test_a_bad_configuration_installs_nothing(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    configure('[engine.writer]\nkind = "llm"\nn_ctxx = 5\n')
    ran = await run("service", "install")
    assert ran.code == Exit.USAGE
    assert "n_ctx" in ran.err
    assert not service.installed()
    assert fake_systemd.calls() == []


async def test_variables_that_are_looked_at_are_passed_on_and_no_others(
    run: Run, service: Service, fake_systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    config = '[engine.writer]\nkind = "llm"\nmodel = "${env.MODELS}/a.gguf"\n'
    configure(config)
    for name, value in (
        ("MODELS", "/models 50%"),
        ("ENGINEROOM_ENGINE_WRITER_N_CTX", "512"),
        ("SECRET", "x"),
        ("HF_HOME", "/hf"),
        ("ENGINEROOM_INSTANCE", "abc"),
    ):
        monkeypatch.setenv(name, value)
    assert (await run("service", "install")).code == 0
    lines = [line for line in written(service).splitlines() if line.startswith("Environment=")]
    assert lines == [
        "Environment=ENGINEROOM_ENGINE_WRITER_N_CTX=512",
        "Environment=ENGINEROOM_KEEPER=systemd",
        f"Environment=ENGINEROOM_STATE={state}",
        "Environment=HF_HOME=/hf",
        'Environment="MODELS=/models 50%%"',
        f"Environment=PATH={os.environ['PATH']}",
        next(line for line in lines if line.startswith("Environment=PYTHONPATH=")),
    ]


async def test_a_folder_that_no_unit_file_can_name(
    run: Run, fake_systemd: FakeSystemd, tmp_path: Path, state: Path
) -> None:
    odd = tmp_path / "a\nb"
    ran = await run("service", "install", "--state", str(odd))
    assert ran.code == 1
    assert "Not for systemd" in ran.err
    assert not service_of(odd, os.environ).installed()
    assert fake_systemd.calls() == []


async def test_a_folder_for_units_that_cannot_be_written(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    service.file.parent.parent.mkdir(parents=True)
    service.file.parent.touch()
    ran = await run("service", "install")
    assert ran.code == 1
    assert f"Unit unreadable: {service.file}: Not a directory" in ran.err


async def test_show_is_what_is_there_or_would_be(run: Run, service: Service, fake_systemd: FakeSystemd) -> None:
    before = await run("service", "show")
    assert before.code == 0
    assert "not there; below is what" in before.out
    assert not service.installed()
    fake_systemd.linger()
    await run("service", "install")
    after = await run("service", "show")
    assert after.out.endswith(written(service))
    assert before.out.partition("\n\n")[2] == written(service)
    assert "(as it would be written now)" in after.out
    assert "\nat boot   starts\nnow       inactive\n" in after.out
    configure('[engine.writer]\nkind = "llm"\n')
    assert "would write another now" in (await run("service", "show")).out
    configure("nonsense")
    assert "cannot be told" in (await run("service", "show")).out
    (fake_systemd.folder / "linger" / "ada").unlink()
    assert "at boot   no: lingering is off, so it starts at the login of ada" in (await run("service", "show")).out


async def test_another_box_is_not_for_us(run: Run, fake_systemd: FakeSystemd) -> None:
    ran = await run("--host", "ada@box", "service", "install")
    assert ran.code == 1
    assert "ssh ada@box" in ran.err
    assert fake_systemd.calls() == []
