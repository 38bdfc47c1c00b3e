"""Every engine's build, told by real appraisers: three at a time, each remembered, and none waited for without end."""

from __future__ import annotations

import shlex
import sys
from itertools import accumulate
from pathlib import Path

import pytest

from config.load import load
from ipc.snapshot import Build
from supervisor.gpus.fleet import Fleet
from supervisor.host import read_host
from supervisor.memory import judge
from supervisor.memory.appraising import Appraiser
from supervisor.memory.footprints import Footprints
from supervisor.memory.house import House
from supervisor.memory.judge import Judge
from supervisor.slots import make_slots

pytestmark = pytest.mark.anyio


def judge_for(folder: Path, *engines: str) -> Judge:
    """That of a supervisor with these engines, of which nothing runs."""
    file = folder / "engineroom.toml"
    file.write_text("\n".join(f"[engine.e{number}]\n{lines}" for number, lines in enumerate(engines)))
    config = load(file=file, state=folder, environ={})
    house = House(make_slots(config), Fleet(), config.memory, config.heat, lambda: read_host(folder, 0.0))
    footprints = Footprints(folder / "footprints.sqlite", lambda _: None)
    return Judge(house, Appraiser("test:1"), footprints, frozenset, lambda slot: slot.python or sys.executable)


def python(folder: Path, before: str, after: str = "true") -> str:
    """The setting for an interpreter that does something before and after its work."""
    path = folder / f"python{len(list(folder.iterdir()))}"
    path.write_text(f'#!/bin/sh\n{before}\n{shlex.quote(sys.executable)} "$@"\n{after}\n')
    path.chmod(0o755)
    return f"python = {str(path)!r}"


async def test_what_each_build_can_use(tmp_path: Path) -> None:
    engines = (
        'kind = "fake"\nleast_capability = "7.5"',
        'kind = "fake"\nwhy_no_gpu = "it was built for the CPU"',
        'kind = "fake"\ngpu = "cpu"',
        'kind = "llm"\nprofile = "cpu_fallback"',
        'kind = "llm"\nmodel = "/nowhere/seven.gguf"',
    )
    *builds, missing = await judge_for(tmp_path, *engines).builds()
    assert builds[:3] == [
        Build("e0", "7.5", "", None),
        Build("e1", "5.0", "it was built for the CPU", None),
        Build("e2", "5.0", "", None, wants_gpu=False),
    ]
    assert not builds[3].wants_gpu
    assert missing.problem is not None
    assert (missing.problem.title, bool(missing.problem.hint)) == ("Model missing", True)


async def test_three_at_a_time_and_each_once(tmp_path: Path) -> None:
    log = shlex.quote(str(tmp_path / "log"))
    noisy = python(tmp_path, f"echo 1 >> {log}", f"echo -1 >> {log}")
    asked = judge_for(tmp_path, *(f'kind = "fake"\npriority = {n}\n{noisy}' for n in range(1, 6)))
    first = await asked.builds()
    assert [one.engine for one in first] == ["e0", "e1", "e2", "e3", "e4"]
    assert await asked.builds() == first
    steps = [int(line) for line in (tmp_path / "log").read_text().split()]
    assert len(steps) == 10
    assert max(accumulate(steps)) == 3


async def test_one_that_hangs_keeps_no_other_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "BUILDS_SECONDS", 3.0)
    hangs = f'kind = "fake"\n{python(tmp_path, "exec sleep 600")}'
    asked = judge_for(tmp_path, hangs, 'kind = "fake"', 'kind = "fake"\npriority = 3')
    assert [build.engine for build in await asked.builds()] == ["e1", "e2"]
