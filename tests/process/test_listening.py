"""The socket for clients: private, taking a stale one's place, and open to its owner."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import anyio
import pytest

from ipc.errors import RequestFailed
from ipc.sockets import dial
from supervisor import listener as listener_module
from supervisor.listener import accept, listening, may_enter

pytestmark = pytest.mark.anyio


async def test_it_is_private_and_gone_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with listening(path):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


async def test_it_takes_the_place_of_a_stale_one(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    async with listening(path) as listener, await dial(path) as client, await accept(listener) as served:
        await client.send(b"hello")
        assert await served.receive() == b"hello"


async def test_a_path_that_is_too_long_says_how_long(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120)
    with pytest.raises(RequestFailed, match=f"has {len(str(path))} bytes.*107.*ENGINEROOM_STATE"):
        async with listening(path):
            pass


async def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestFailed, match=f"{tmp_path} cannot be bound"):
        async with listening(tmp_path):
            pass


async def test_strangers_are_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uids = iter((4242, os.getuid()))
    monkeypatch.setattr(listener_module, "_uid_of", lambda connection: next(uids))
    path = tmp_path / "socket"
    async with (
        listening(path) as listener,
        await dial(path) as stranger,
        await dial(path) as owner,
        await accept(listener) as served,
    ):
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stranger.receive()
        await owner.send(b"x")
        assert await served.receive() == b"x"


def test_only_the_owner_and_root_may_enter() -> None:
    assert may_enter(os.getuid())
    assert may_enter(0)
    assert not may_enter(4242)


async def test_running_out_of_descriptors_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "BREATH_SECONDS", 0.01)

    class Short:
        """A listener while there are no descriptors left, twice."""

        def __init__(self, real: socket.socket) -> None:
            self.real, self.refusals = real, 2

        def fileno(self) -> int:
            return self.real.fileno()

        def accept(self) -> tuple[socket.socket, object]:
            if self.refusals:
                self.refusals -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return self.real.accept()

    path = tmp_path / "socket"
    async with listening(path) as listener, await dial(path):
        short = Short(listener)
        with anyio.fail_after(5):
            await (await accept(short)).aclose()  # type: ignore[arg-type]
    assert short.refusals == 0
