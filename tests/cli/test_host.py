"""`--host`: the same verbs over ssh; here ssh is a program that runs its command on this box."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from scripted_supervisor import Script

from ipc import control
from ipc.snapshot import Knob

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]

SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
[ "$2" = ada@box ] || { echo "Could not resolve hostname $2" >&2; exit 255; }
shift 2
exec "$@"
"""


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssh` and `engineroom` on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    ours = f'#!/bin/sh\nexec {sys.executable} {ROOT / "engineroom.py"} "$@"\n'
    for name, text in (("ssh", SSH), ("engineroom", ours)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


async def test_verbs_over_ssh(script: Script, run: Run) -> None:
    ran = await run("--host", "ada@box", "ps", "--json")
    assert ran.code == 0, ran.err
    assert [row["name"] for row in json.loads(ran.out)] == ["writer", "ear", "scribe", "vectors"]
    asked = await run("ask", "writer", "What?", "--host", "ada@box")
    assert (asked.code, asked.out) == (0, "Tokens are pieces.\n")


async def test_paths_are_those_of_the_other_host(script: Script, run: Run) -> None:
    ran = await run("submit", "llm", "/there/a", "-o", "/there/b", "--host", "ada@box", "--wait")
    assert (ran.code, ran.out) == (0, "box-1\n")
    assert [one for one in script.asked if isinstance(one, control.Submit)] == [
        control.Submit("llm", "", ("/there/a",), "/there/b", "")
    ]


async def test_a_host_that_cannot_be_reached_says_what_ssh_said(script: Script, run: Run) -> None:
    for verb in (["ps"], ["start", "writer"]):
        ran = await run("--host", "eve@nowhere", *verb)
        assert ran.code == 3
        assert "Could not resolve hostname eve@nowhere" in ran.err


async def test_a_host_where_nothing_runs_says_so(state: Path, run: Run) -> None:
    ran = await run("--host", "ada@box", "ps")
    assert ran.code == 3
    assert str(state / "socket") in ran.err


@pytest.mark.parametrize("words", [("say", "voice", "Hello.", "--voice", "rec.wav"), ("set", "voice", "voice=rec.wav")])
async def test_a_file_that_is_only_here_is_not_sent_as_a_name(
    script: Script, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    knob = Knob("voice", "", "", "", None, None, (), "", "flight", "a recording")
    script.knobs = (knob,)
    ran = await run("--host", "ada@box", *words)
    assert "rec.wav is a file here" not in ran.err
    (tmp_path / "rec.wav").touch()
    ran = await run("--host", "ada@box", *words)
    assert ran.code == 1
    assert "Not on that box: rec.wav is a file here, and ada@box would look for it there." in ran.err
    assert "Copy it to ada@box, and write its path there, absolute." in ran.err
