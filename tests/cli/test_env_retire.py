"""An engine that starts in an environment while that is about to be taken away keeps its files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from room_kit import wait_for

from cli.environments import retire
from cli.environments.running import pids_in
from engines.environments.record import RECORD, python_of
from ipc.errors import RequestFailed


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One with a record, and an interpreter that only sleeps."""
    python_of(tmp_path).parent.mkdir(parents=True)
    python_of(tmp_path).symlink_to("/bin/sleep")
    (tmp_path / RECORD).write_text("what is known of it")
    return tmp_path


def test_one_that_nobody_uses_is_out_of_use_at_once(environment: Path) -> None:
    retire.retire(environment)
    assert not (environment / RECORD).exists()
    retire.retire(environment)


def test_an_engine_that_starts_at_the_last_moment_keeps_it(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def looking(folder: Path) -> tuple[int, ...]:
        seen = pids_in(folder)
        if not started:
            started.append(subprocess.Popen([python_of(folder), "60"]))
            wait_for(lambda: pids_in(folder) == (started[0].pid,), "its own name")
        else:
            assert not (folder / RECORD).exists(), "nobody new starts in it while it is looked at"
        return seen

    monkeypatch.setattr(retire, "pids_in", looking)
    try:
        with pytest.raises(RequestFailed) as raised:
            retire.retire(environment)
        assert f"is used by the process {started[0].pid}" in raised.value.problem.detail
    finally:
        started[0].kill()
        started[0].wait()
    assert (environment / RECORD).read_text() == "what is known of it"
