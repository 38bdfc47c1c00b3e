"""Feeding: what a client sends into an open stream, at the pace at which it is taken; both ends of the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Generic, Self, TypeVar

import anyio

from ipc.channel import violation
from ipc.envelopes import FEED_WINDOW_BYTES
from ipc.errors import Problem, RequestFailed

T = TypeVar("T")

PIECE_BYTES = 64 * 2**10
"""The most that one message carries."""


def _idle(*_: int) -> None:
    """Nobody is to be told."""


class Fed:
    """The supervisor's end: what was fed into one request and is not taken yet.

    Whoever hands it on sets `wake`, which is called when something came, and says with `drop` what was taken and with
    `grant` that as much more may come.
    """

    def __init__(self, grant: Callable[[int], None] = _idle) -> None:
        self.wake: Callable[[], None] = _idle
        self._grant = grant
        self._data = bytearray()
        self._handed = 0
        self._open_bytes = 0
        """Fed and not granted again."""
        self._ended = False
        self._end_handed = False
        self._closed = False

    def put(self, data: bytes, end: bool) -> None:
        """Something came.

        Raises:
            ProtocolViolation: more than was granted, or something after the end.
        """
        if self._ended:
            raise violation("a client fed what it had said was all")
        self._open_bytes += len(data)
        if self._open_bytes > FEED_WINDOW_BYTES:
            raise violation(f"a client fed more than the {FEED_WINDOW_BYTES:,} bytes that may wait")
        self._ended = end
        if self._closed:
            return
        self._data += data
        if data or end:
            self.wake()

    def fresh(self) -> tuple[bytes, bool] | None:
        """What was not handed on yet, and whether it is the end; None where there is nothing."""
        data, end = bytes(self._data[self._handed :]), self._ended
        if not data and end == self._end_handed:
            return None
        self._handed, self._end_handed = len(self._data), end
        return data, end

    def again(self) -> None:
        """Whoever had it is gone and took nothing more: what was not taken can be handed on anew."""
        self._handed, self._end_handed = 0, False

    def drop(self, count: int) -> None:
        """So many bytes of it were taken."""
        del self._data[:count]
        self._handed = max(0, self._handed - count)

    def grant(self, count: int) -> None:
        """As many more may come."""
        self._open_bytes -= count
        self._grant(count)

    def close(self) -> None:
        """Nobody takes anything any more: what waits is let go, and nothing more is handed on or granted."""
        self._closed = True
        self._grant = self.wake = _idle
        self._data.clear()


class Feeding(Generic[T]):
    """The client's end: iterate what the stream says while `feed` gives it more.

    What is fed to a stream that has ended is lost without a word: the iteration says how it ended.
    """

    def __init__(self, items: AsyncIterator[T], send: Callable[[bytes, bool], None]) -> None:
        self._items = items
        self._send = send
        self._open_bytes = 0
        self._ended = False
        self._over = False
        self._room = anyio.Event()

    async def feed(self, data: bytes) -> None:
        """Send `data`; waits while more than 1 MiB of what was fed before is not taken.

        Raises:
            RequestFailed: `end` was said before.
        """
        if self._ended:
            raise RequestFailed(Problem("Ended already", "More was fed after the end.", "Begin another request."))
        for begin in range(0, len(data), PIECE_BYTES):
            piece = data[begin : begin + PIECE_BYTES]
            while self._open_bytes + len(piece) > FEED_WINDOW_BYTES and not self._over:
                if self._room.is_set():  # else another waits on it
                    self._room = anyio.Event()
                await self._room.wait()
            if self._over:
                return
            self._open_bytes += len(piece)
            self._send(piece, False)

    def end(self) -> None:
        """That was all; harmless when it was said before."""
        if not self._ended:
            self._ended = True
            self._send(b"", True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await anext(self._items)

    # ── what the client tells ─────────────────────────────────────────────────────────────────────────────

    def took(self, count: int) -> None:
        """So many bytes were taken. Raises ProtocolViolation: more than were fed."""
        if not 0 < count <= self._open_bytes:
            raise violation(f"{count:,} bytes were taken of {self._open_bytes:,} that were fed")
        self._open_bytes -= count
        self._room.set()

    def close(self) -> None:
        """The stream has ended."""
        self._over = True
        self._room.set()
