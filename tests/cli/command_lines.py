"""Fixtures: command lines run as a user runs them, through `main` in a thread of their own or as a process."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import pytest
from scripted_supervisor import Script, listening

from cli.main import main
from ipc.client import Client

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str


async def no_dashboard(connect: Callable[[], AbstractAsyncContextManager[Client]], *, readonly: bool = False) -> None:
    raise AssertionError("nobody asked for a dashboard")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder that the environment names."""
    monkeypatch.setenv("ENGINEROOM_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


@pytest.fixture
async def script(state: Path) -> AsyncGenerator[Script]:
    async with listening(Script(state)) as script:
        yield script


@pytest.fixture
def run(state: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Awaitable[Ran]]:
    """Run one command line beside the loop of the test."""

    def command_line(arguments: tuple[str, ...]) -> int:
        try:
            return main(arguments, no_dashboard)
        except SystemExit as end:
            return int(str(end.code))

    async def runner(*arguments: str) -> Ran:
        capsys.readouterr()
        with anyio.fail_after(30):
            code = await anyio.to_thread.run_sync(command_line, arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return runner


@pytest.fixture
def run_process(state: Path) -> Callable[..., Awaitable[Ran]]:
    """Run one command line as a process."""

    async def runner(*arguments: str, stdin: bytes = b"") -> Ran:
        with anyio.fail_after(30):
            done = await anyio.run_process(
                [sys.executable, str(ROOT / "engineroom.py"), *arguments], input=stdin, check=False
            )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return runner
