"""`engineroom models quantize` on a terminal: a bar that grows, and a Ctrl-C that leaves nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import psutil
import pytest
from llm_files import F16, Build, hollow
from llm_spawned import ROOT

from ipc.places import DATA

LONG = Build(blocks=6, embedding=1024, feed_forward=4096, heads=16, cache_heads=(16,), vocabulary=2048)
"""Takes seconds to quantize."""


@pytest.mark.parametrize("how", ["ctrl-c", "kill"])
def test_whoever_asked_and_goes_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    monkeypatch.setenv("ENGINEROOM_STATE", str(tmp_path / "state"))
    source = hollow(tmp_path / "long-F16.gguf", LONG, F16)
    argv = [str(ROOT / "engineroom.py"), "models", "quantize", str(source), "q4"]
    terminal = pexpect.spawn(sys.executable, argv, timeout=20, encoding="utf-8")
    terminal.expect(r"q4 █+·+ +\d+ %")
    helpers = psutil.Process(terminal.pid).children(recursive=True)
    assert len(helpers) == 2
    if how == "ctrl-c":
        terminal.sendintr()
        terminal.expect_exact("cancelled: nothing of q4 is left")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 130
    else:
        terminal.kill(9)
    _, alive = psutil.wait_procs(helpers, timeout=10)
    assert alive == []
    assert list((tmp_path / "data" / "models" / "quantized").iterdir()) == []
