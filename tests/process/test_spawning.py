"""What a child is given at its spawn, and what it loses with its supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from standins import eventually, lives, no_descriptor_lost, program, watched

from supervisor.process.ring import LogRing
from supervisor.process.spawn import OOM_SCORE, ROOT, spawn

pytestmark = pytest.mark.anyio

TELL = """
import json, os, sys
print(json.dumps({
    "environment": dict(os.environ), "path": sys.path, "folder": os.getcwd(), "input": sys.stdin.read(),
    "leads": os.getpid() == os.getsid(0) == os.getpgid(0), "parent": os.getppid(),
    "open": sorted(os.listdir("/proc/self/fd")),
}))
"""

SUPERVISOR = """
import sys, anyio
from pathlib import Path
from supervisor.process.child import Greeted
from supervisor.process.ring import LogRing
from supervisor.process.spawn import ChildSpec, spawn

async def main():
    spec = ChildSpec("writer", "engines.child", ("fake",), {}, Path.cwd(), sys.executable)
    child = spawn(spec, "test:1", LogRing())
    await child.watch(lambda fact: isinstance(fact, Greeted) and print("greeted", child.pid, flush=True))

anyio.run(main)
"""


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(tmp_path))))


async def test_what_a_child_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEROOM_KEEPER", "7")
    (tmp_path / "json.py").write_text("raise SystemExit('what lies in the state folder was imported')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(tmp_path / "more"))))
    (tmp_path / "more").mkdir()
    spec = replace(program(tmp_path / "more", TELL, ENGINEROOM_SETTINGS="{}", CUDA_VISIBLE_DEVICES=""), folder=tmp_path)
    async with watched(spec, "here:1") as this:
        exited = await this.exited()
    told = json.loads(exited.log_tail[-1]) if exited.code == 0 else pytest.fail(str(exited))
    ours = {name: value for name, value in told["environment"].items() if name.startswith("ENGINEROOM_")}
    assert ours == {
        "ENGINEROOM_ENGINE": "writer",
        "ENGINEROOM_FD": ours["ENGINEROOM_FD"],
        "ENGINEROOM_INSTANCE": "here:1",
        "ENGINEROOM_PARENT": str(os.getpid()),
        "ENGINEROOM_SETTINGS": "{}",
        "ENGINEROOM_SPAWN": this.child.spawn_id,
    }
    assert told["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert told["environment"]["PYTHONPATH"] == os.pathsep.join((str(ROOT), str(tmp_path / "more")))
    assert told["path"][0] == str(ROOT)
    assert told["folder"] == str(tmp_path)
    assert told["parent"] == os.getpid()
    assert told["leads"]
    assert told["input"] == ""
    # The three usual ones, the link, and the folder that is being listed.
    assert set(told["open"]) > {"0", "1", "2", ours["ENGINEROOM_FD"]}
    assert len(told["open"]) == 5


async def test_the_kernel_is_to_take_a_child_before_the_supervisor(tmp_path: Path) -> None:
    async with watched(program(tmp_path, "import time; time.sleep(60)")) as this:
        score = await anyio.Path(f"/proc/{this.child.pid}/oom_score_adj").read_text()
        assert int(score) >= OOM_SCORE


@pytest.mark.parametrize("what", ["python", "folder"])
def test_what_cannot_be_started_says_what_is_missing(tmp_path: Path, what: str) -> None:
    spec = program(tmp_path, "")
    missing = tmp_path / "missing"
    spec = replace(spec, python=str(missing)) if what == "python" else replace(spec, folder=missing)
    with no_descriptor_lost(), pytest.raises(OSError, match="missing"):
        spawn(spec, "test:1", LogRing())


@pytest.mark.parametrize("stopped", [False, True])
def test_an_engine_dies_with_a_killed_supervisor(tmp_path: Path, stopped: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        engine = int(one.stdout.readline().split()[1])
        if stopped:
            os.kill(engine, signal.SIGSTOP)
        one.kill()
    eventually(lambda: not lives(engine))
