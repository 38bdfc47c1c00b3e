"""The socket that clients connect to: ours to bind because we hold the lock, open to its owner and root only."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio

from ipc.client import SOCKET_PATH_LIMIT_BYTES
from ipc.errors import Problem, RequestFailed
from ipc.sockets import SocketStream

BACKLOG = 128
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
BREATH_SECONDS = 0.2
"""How long to wait before accepting again when descriptors or memory ran out: the client waits in the queue."""

_CREDENTIALS = struct.Struct("3i")


@asynccontextmanager
async def listening(path: Path) -> AsyncGenerator[socket.socket]:
    """Bind `path` (mode 0600), taking the place of a stale socket; call it only while holding the lock.

    It is taken away at the end, so that a socket without a listener tells of a crash.

    Raises:
        RequestFailed: the path is too long for a Unix socket, or cannot be bound.
    """
    length = len(os.fsencode(path))
    if length > SOCKET_PATH_LIMIT_BYTES:
        raise RequestFailed(
            Problem(
                "Socket path too long",
                f"{path} has {length} bytes; a Unix socket may have {SOCKET_PATH_LIMIT_BYTES}.",
                "Set ENGINEROOM_STATE to a shorter folder.",
            )
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            _bind(listener, path)
        except OSError as error:
            raise RequestFailed(
                Problem("Cannot listen", f"{path} cannot be bound: {error.strerror}.", "See `engineroom doctor`.")
            ) from error
        try:
            yield listener
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)


async def accept(listener: socket.socket) -> SocketStream:
    """The next client of this user or root; anybody else is hung up on."""
    while True:
        await anyio.wait_readable(listener)
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            continue
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            await anyio.sleep(BREATH_SECONDS)
            continue
        if may_enter(_uid_of(connection)):
            return SocketStream(connection)
        connection.close()


def _bind(listener: socket.socket, path: Path) -> None:
    path.unlink(missing_ok=True)
    listener.bind(bytes(path))
    path.chmod(0o600)  # before anybody can connect
    listener.listen(BACKLOG)
    listener.setblocking(False)


def may_enter(uid: int) -> bool:
    """Whether a peer of this user id is let in."""
    return uid in (os.getuid(), 0)


def _uid_of(connection: socket.socket) -> int:
    """Who is on the other side, as the kernel says; where it cannot, the socket's mode 0600 has to suffice."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(told)
    return int(uid)
