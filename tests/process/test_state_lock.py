"""One supervisor per state folder."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.paths import lock_path
from ipc.errors import RequestFailed
from supervisor.lock import Lock

HOLD = """
import signal, sys
from pathlib import Path
from supervisor.lock import Lock
Lock(Path(sys.argv[1])).take()
print("held", flush=True)
signal.pause()
"""


def holder(state: Path) -> subprocess.Popen[str]:
    one = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert one.stdout is not None
    assert one.stdout.readline() == "held\n"
    return one


def test_a_second_one_is_told_who_holds_it_until_that_is_killed(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    with holder(state) as first:
        try:
            assert lock_path(state).read_text() == str(first.pid)
            with pytest.raises(RequestFailed, match=f"pid {first.pid} has {state}"):
                Lock(state).take()
        finally:
            first.send_signal(signal.SIGKILL)
    Lock(state).take()
    assert lock_path(state).read_text() == str(os.getpid())


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    Lock(tmp_path / "state").take()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert lock_path(tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_may_write_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(RequestFailed, match=f"can be written by others. `chmod 700 {tmp_path}`"):
        Lock(tmp_path).take()
    assert tmp_path.stat().st_mode & 0o777 == 0o777


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(RequestFailed, match="cannot be used: File exists. Set ENGINEROOM_STATE"):
        Lock(tmp_path / "state").take()


def test_a_lock_on_a_file_that_was_taken_away_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def removed_meanwhile(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        lock_path(tmp_path).unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    Lock(tmp_path).take()
    assert lock_path(tmp_path).read_text() == str(os.getpid())
    with pytest.raises(RequestFailed, match="Already running"):
        Lock(tmp_path).take()
