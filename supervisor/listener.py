"""The socket that clients connect to: ours to bind because we hold the lock, open to its owner and root only."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio

from ipc.client import SOCKET_PATH_LIMIT_BYTES
from ipc.errors import Problem, RequestFailed
from ipc.sockets import SocketStream

BACKLOG = 128


@contextmanager
def listening(path: Path) -> Generator[socket.socket]:
    """Bind `path` (mode 0600), taking the place of a stale socket; call it only while holding the lock.

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
            path.unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(before)
            listener.listen(BACKLOG)
        except OSError as error:
            raise RequestFailed(
                Problem("Cannot listen", f"{path} cannot be bound: {error.strerror}.", "See `engineroom doctor`.")
            ) from error
        listener.setblocking(False)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


async def accept(listener: socket.socket) -> SocketStream:
    """The next client of this user or root; anybody else is hung up on."""
    while True:
        await anyio.wait_readable(listener)
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            continue
        if _uid_of(connection) in (os.getuid(), 0):
            return SocketStream(connection)
        connection.close()


def _uid_of(connection: socket.socket) -> int:
    """Who is on the other side, as the kernel says; where it cannot, the socket's mode 0600 has to suffice."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()
    credentials = struct.Struct("3i")
    _, uid, _ = credentials.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return int(uid)
