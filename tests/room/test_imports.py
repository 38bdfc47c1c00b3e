"""What running processes have imported: no model library outside an engine, no Textual outside the dashboard."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from room_kit import ROOT, open_room

FORBIDDEN = {"llama_cpp", "torch", "numpy", "faster_whisper", "chatterbox", "onnxruntime", "textual", "rich"}

DUMP_AT_EXIT = """
import atexit, json, os, runpy, sys
place, module, *arguments = sys.argv[1:]
def dump():
    with open(os.path.join(place, f"{os.getpid()}.json"), "w") as file:
        json.dump(sorted(sys.modules), file)
atexit.register(dump)
sys.argv = [module, *arguments]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
"""Runs a module as `python -m` does; modules only ever accumulate, so what is there at the end is all there was."""


def dumped(folder: Path) -> list[set[str]]:
    return [{name.partition(".")[0] for name in json.loads(file.read_text())} for file in folder.glob("*.json")]


def test_a_supervisor_that_ran_a_job_has_imported_no_model_library_and_no_textual(tmp_path: Path) -> None:
    with open_room('[engine.writer]\nkind = "llm"\nthreads = 1\n') as room:
        supervisor = subprocess.Popen(
            [sys.executable, "-P", "-c", DUMP_AT_EXIT, str(tmp_path), "supervisor.daemon", "--state", str(room.state),
             "--config", room.environment()["ENGINEROOM_CONFIG"]],
            env=room.environment() | {"PYTHONPATH": str(ROOT)}, cwd=room.work,
        )  # fmt: skip
        source = room.work / "one.jsonl"
        source.write_text(json.dumps({"id": "a", "prompt": "What is a token?", "max_tokens": 4}) + "\n")
        room.run("submit", "llm", str(source), "-o", str(room.work / "out.jsonl"), "--wait")
        room.run("down")
        supervisor.wait(timeout=30)
    (modules,) = dumped(tmp_path)
    assert "supervisor" in modules
    assert not modules & FORBIDDEN


@pytest.mark.parametrize(
    "arguments", [["ps"], ["status", "--json"], ["--record", "r.jsonl.zst", "--for", "1s"], ["models", "list"]]
)
def test_a_client_without_a_screen_has_imported_no_model_library_and_no_textual(
    tmp_path: Path, arguments: list[str]
) -> None:
    with open_room('[engine.fake]\nkind = "fake"\n') as room:
        room.run("up")
        subprocess.run(
            [sys.executable, "-P", "-c", DUMP_AT_EXIT, str(tmp_path), "engineroom", *arguments],
            env=room.environment() | {"PYTHONPATH": str(ROOT)}, cwd=room.work, check=True, timeout=30,
        )  # fmt: skip
    (modules,) = dumped(tmp_path)
    assert "cli" in modules
    assert not modules & FORBIDDEN
    assert "supervisor" not in modules
