"""A fixture: a fake of the user's systemd on the path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from fake_systemd import LOGINCTL, SYSTEMCTL, FakeSystemd

from cli import systemd


@pytest.fixture
def fake_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSystemd]:
    """The user's systemd answers, and does not linger; the user is `ada`. What it started is gone at the end."""
    folder = tmp_path / "fake"
    (folder / "bin").mkdir(parents=True)
    (folder / "linger").mkdir()
    for name, text in (("systemctl", SYSTEMCTL), ("loginctl", LOGINCTL)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("FAKE", str(folder))
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(systemd, "LINGER", folder / "linger")
    monkeypatch.setattr(systemd, "ASK_SECONDS", 20.0)
    fake = FakeSystemd(folder)
    fake.say("manager", "running")
    yield fake
    with suppress(OSError, psutil.Error):
        psutil.Process(int((folder / "pid").read_text())).kill()
