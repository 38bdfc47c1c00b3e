"""A child's output pipe, read from the first byte on, so that the child never waits for us."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import IO

import anyio

from supervisor.process.lines import LineCutter
from supervisor.process.ring import LogRing, Stream

PIPE_BYTES = 2**20
"""The room of a pipe, so that a burst of prints does not stop the child while our loop is busy."""
CHUNK_BYTES = 32 * 2**10
BREATH_SECONDS = 0.002
BREATH_SHARE = 4.0
"""The pause after a full chunk, at least and as a multiple of what the chunk cost: a child that floods gets a fifth of
the loop, and the others the rest."""


class Drain:
    """Reads `pipe` into `log` line by line; owns the pipe."""

    def __init__(self, pipe: IO[bytes], stream: Stream, log: LogRing) -> None:
        self._pipe = pipe
        self._stream = stream
        self._log = log
        self._cutter = LineCutter()
        os.set_blocking(pipe.fileno(), False)
        _widen(pipe.fileno())

    async def run(self) -> None:
        """Read until the last writer has closed its end."""
        while True:
            await anyio.wait_readable(self._pipe)
            began = time.monotonic()
            count = self._take()
            if count == 0:
                self._log.append(self._stream, self._cutter.flush())
                return
            if count == CHUNK_BYTES:
                await anyio.sleep(max(BREATH_SECONDS, BREATH_SHARE * (time.monotonic() - began)))

    def take_rest(self) -> None:
        """Read what is there by now, without waiting; a line that has begun counts as whole.

        No more than a pipe holds: whoever else writes into it may do so for ever.
        """
        with suppress(BlockingIOError):
            for _ in range(0, PIPE_BYTES, CHUNK_BYTES):
                if not self._take():
                    break
        self._log.append(self._stream, self._cutter.flush())

    def close(self) -> None:
        """Read no more; a later writer gets SIGPIPE."""
        self._pipe.close()

    def _take(self) -> int:
        """Read once and return how many bytes came, 0 at the end. Raises BlockingIOError when there is nothing."""
        chunk = os.read(self._pipe.fileno(), CHUNK_BYTES)
        self._log.append(self._stream, self._cutter.feed(chunk))
        return len(chunk)


def _widen(descriptor: int) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # the user's share of pipe memory is used up: the usual 64 KiB do, too
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
