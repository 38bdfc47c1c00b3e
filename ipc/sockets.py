"""Connected Unix sockets as byte streams.

anyio's own stream can fail a future twice when a read is cancelled in the very turn in which data arrives; this one
waits with `anyio.wait_readable`, which cannot. It also yields to the loop once less for each read.
"""

from __future__ import annotations

import socket
from pathlib import Path

import anyio
from anyio.abc import ByteStream
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint_if_cancelled

BUSY_SECONDS = 0.01
"""How long to wait before knocking again at a listener whose queue is full."""


class SocketStream(ByteStream):
    """A byte stream over `sock`, which it owns from now on."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._closed = False

    @property
    def socket(self) -> socket.socket:
        """The socket itself, to ask it for its options and its peer."""
        return self._socket

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """What has come, at least one byte, waiting for it if need be."""
        await checkpoint_if_cancelled()
        waited = False
        while True:
            try:
                data = self._socket.recv(max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
                waited = True
            except OSError as error:
                raise self._end(error) from None
            else:
                if not waited:
                    await cancel_shielded_checkpoint()
                if not data:
                    raise anyio.EndOfStream
                return data

    async def send(self, item: bytes) -> None:
        """Hand all of `item` to the operating system; yields to the loop only when that has to wait."""
        await checkpoint_if_cancelled()
        rest = memoryview(item)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise self._end(error) from None

    async def send_eof(self) -> None:
        """Tell the other side that nothing more comes from here."""
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close the socket; whoever waits on it gets ClosedResourceError."""
        if not self._closed:
            self._closed = True
            anyio.notify_closing(self._socket)
            self._socket.close()

    def _end(self, error: OSError) -> Exception:
        if self._closed:
            return anyio.ClosedResourceError()
        broken = anyio.BrokenResourceError()
        broken.__cause__ = error
        return broken


async def dial(path: Path) -> SocketStream:
    """Connect to the Unix socket `path`. Raises OSError; waits while the listener's queue is full."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(bytes(path))
            except BlockingIOError:
                await anyio.sleep(BUSY_SECONDS)
            else:
                return SocketStream(sock)
    except BaseException:
        sock.close()
        raise
