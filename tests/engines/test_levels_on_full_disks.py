"""A level that is to be made where there is no room for it: refused before, or given up in the midst."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_disk import DISK_BYTES, small_disk
from spawned import ROOT, child, knobs

from ipc.work import Load, Loaded, LoadFailed

pytestmark = pytest.mark.anyio
MINIATURE = ROOT / "engines" / "llm" / "miniature" / "miniature-f16.gguf"
ROOM_WAS_FOUND = """
import shutil
from engines.llm import quantizer
real, quantizer.SPARE_BYTES = shutil.disk_usage, 0
answers = [lambda folder: real(folder)._replace(free=2**40)]
shutil.disk_usage = lambda folder: (answers.pop() if answers else real)(folder)
quantizer.main()
"""
"""The quantizer, of which somebody fills the disk after it has looked."""


async def test_a_disk_without_room_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        monkeypatch.setenv("ENGINEROOM_DATA", str(disk.folder / "data"))
        disk.fill(100_000)
        async with child(tmp_path, kind="llm") as engine:
            engine.send(Load(knobs({"quantization": "q4"}, "llm")))
            failed = await engine.until(LoadFailed)
            assert failed.problem.title == "Level not made"
            if os.getuid() == 0:
                assert "~2.3 MiB are to be written and 0.1 MiB are free" in failed.problem.detail
            assert "ENGINEROOM_DATA" in failed.problem.hint
            assert [path for path in disk.folder.rglob("*") if path.is_file() and path.name != "filler"] == []
            engine.send(Load(knobs({}, "llm")))
            await engine.until(Loaded)


def test_a_disk_that_fills_up_in_the_midst_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        disk.fill(DISK_BYTES // 2)
        order = {
            "source": str(MINIATURE),
            "identity": "",
            "target": str(disk.folder / "made.gguf"),
            "level": "q4",
            "file_type": 15,
            "threads": 1,
            "parent": os.getpid(),
        }
        argv = [sys.executable, "-c", ROOM_WAS_FOUND, json.dumps(order)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    title, detail, hint = lines[-1]["problem"]
    assert (title, "ENGINEROOM_DATA" in hint) == ("Level not made", True)
    if os.getuid() == 0:
        assert "the disk is full" in detail
        assert lines[0]["type"] == "step"
    else:
        assert "ermission denied" in detail
