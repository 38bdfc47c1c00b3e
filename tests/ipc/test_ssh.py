"""A client through ssh, where ssh is a small program with the same manners."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import anyio
import pytest
from wires import Countless, served

from ipc import control
from ipc.client import connect_host
from ipc.errors import ConnectionFailed

pytestmark = pytest.mark.anyio

PIPE = """
import os, socket, sys, threading
assert sys.argv[1:] == ["-T", "--", "me@box", "engineroom", "pipe"], sys.argv
print("Welcome to box.", file=sys.stderr, flush=True)
if not os.path.exists(%(path)r):
    print("Permission denied (publickey).", file=sys.stderr)
    sys.exit(255)
s = socket.socket(socket.AF_UNIX)
s.connect(%(path)r)
def up():
    while chunk := os.read(0, 65536):
        s.sendall(chunk)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while chunk := s.recv(65536):
    os.write(1, chunk)
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!{sys.executable}\n" + PIPE % {"path": str(tmp_path / "socket")})
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(ssh.parent), prepend=os.pathsep)
    return tmp_path / "socket"


async def test_requests_and_streams_go_through(path: Path) -> None:
    async with served(Countless(), path), connect_host("me@box") as client:
        assert await client.ask(control.Start("writer")) == control.Done("writer")
        async with client.stream(control.Ask("counts", "1000")) as pieces:
            assert len([piece async for piece in pieces]) == 1000


async def test_what_ssh_says_is_in_the_error(path: Path) -> None:
    with pytest.raises(ConnectionFailed, match=r"ssh said: Welcome to box\. Permission denied"):
        async with connect_host("me@box"):
            pytest.fail("connected")


async def test_the_far_end_going_away_is_noticed(path: Path) -> None:
    async with anyio.create_task_group() as group:
        async with served(Countless(), path):
            gone = await group.start(_hold_open)
        with anyio.fail_after(10):
            await gone.wait()


async def _hold_open(*, task_status: anyio.abc.TaskStatus[anyio.Event]) -> None:
    gone = anyio.Event()
    async with connect_host("me@box") as client:
        task_status.started(gone)
        with pytest.raises(ConnectionFailed, match="supervisor on me@box ended"):
            await client.ask(control.Start("never"))
        gone.set()


@pytest.mark.parametrize("box", ["", "-oProxyCommand=evil", "two words"])
async def test_what_is_no_host_never_reaches_ssh(box: str) -> None:
    with pytest.raises(ConnectionFailed, match="is no host"):
        async with connect_host(box):
            pytest.fail("connected")


async def test_no_ssh_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("ssh") is None
    with pytest.raises(ConnectionFailed, match="ssh cannot be run"):
        async with connect_host("me@box"):
            pytest.fail("connected")
