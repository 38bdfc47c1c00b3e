"""What outlived its supervisor or its engine is killed, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from standins import lives

from supervisor.process.sweep import new_instance, sweep, sweep_spawn

SLEEP = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
FORKS = """
import os, subprocess, sys, time
print("up", flush=True)
while True:
    subprocess.Popen(["sleep", "60"], start_new_session=True)
    time.sleep(0.002)
"""


class Litter:
    """Processes with the ids of this test in their environment."""

    def __init__(self) -> None:
        self._all: list[subprocess.Popen[str]] = []

    def drop(self, text: str = SLEEP, **ids: str) -> int:
        one = subprocess.Popen(
            [sys.executable, "-c", text], env={**os.environ, **ids}, stdout=subprocess.PIPE, text=True
        )
        self._all.append(one)
        assert one.stdout is not None
        assert one.stdout.readline() == "up\n"
        return one.pid

    def clear(self) -> None:
        for one in self._all:
            one.kill()
            one.communicate()


@pytest.fixture
def litter() -> Generator[Litter]:
    litter = Litter()
    yield litter
    litter.clear()


def test_other_generations_of_this_folder_are_swept(tmp_path: Path, litter: Litter) -> None:
    old, new = new_instance(tmp_path), new_instance(tmp_path)
    (tmp_path / "other").mkdir()
    elsewhere = new_instance(tmp_path / "other")
    left = litter.drop(ENGINEROOM_INSTANCE=old)
    spared = [litter.drop(ENGINEROOM_INSTANCE=new), litter.drop(ENGINEROOM_INSTANCE=elsewhere), litter.drop()]
    (swept,) = sweep(new)
    assert swept.pid == left
    assert swept.name.startswith("python")
    assert swept.command.endswith("time.sleep(60)")
    assert not lives(left)
    assert all(map(lives, spared))
    assert sweep(new) == ()


def test_a_new_generation_of_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    one, other = new_instance(tmp_path), new_instance(tmp_path / "link")
    assert one.partition(":")[0] == other.partition(":")[0]
    assert one != other


def test_what_is_left_of_one_spawn_is_swept(litter: Litter) -> None:
    left = litter.drop(ENGINEROOM_SPAWN="this-spawn")
    spared = litter.drop(ENGINEROOM_SPAWN="that-spawn")
    assert [swept.pid for swept in sweep_spawn("this-spawn")] == [left]
    assert lives(spared)


def test_what_forks_meanwhile_is_swept_too(litter: Litter) -> None:
    parent = litter.drop(FORKS, ENGINEROOM_SPAWN="forks")
    swept = sweep_spawn("forks")
    assert parent in {one.pid for one in swept}
    assert sweep_spawn("forks") == ()


def test_it_spares_itself_and_what_it_descends_from(tmp_path: Path) -> None:
    """As when somebody starts a supervisor from within an engine's own shell."""
    inner = (
        "import sys; from pathlib import Path; from supervisor.process.sweep import new_instance, sweep;"
        "print(sweep(new_instance(Path(sys.argv[1]))))"
    )
    outer = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {inner!r}, sys.argv[1]]))"
    done = subprocess.run(
        [sys.executable, "-c", outer, str(tmp_path)],
        env={**os.environ, "ENGINEROOM_INSTANCE": new_instance(tmp_path), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "()\n"
