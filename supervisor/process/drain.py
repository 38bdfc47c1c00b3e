"""Empty one output pipe of a child into its log, from the first byte to the last."""

from __future__ import annotations

import codecs
import os

import anyio

from supervisor.process.ring import LINE_LIMIT_CHARACTERS, LogRing, Stream

CHUNK_BYTES = 64 * 1024


class Drain:
    """Cuts what comes into lines; bytes that are no UTF-8 become U+FFFD, a progress bar's `\\r` ends a line too."""

    def __init__(self, descriptor: int, stream: Stream, log: LogRing) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._log = log
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._open = True

    async def run(self) -> None:
        """Until the last writer has closed the pipe."""
        while self._open:
            await anyio.wait_readable(self._descriptor)
            self.take()

    def take(self) -> None:
        """Read what is there now, without waiting."""
        while self._open:
            try:
                data = os.read(self._descriptor, CHUNK_BYTES)
            except BlockingIOError:
                return
            self._open = bool(data)
            self._cut(self._decode(data, final=not data))
            if len(data) < CHUNK_BYTES:
                return

    def flush(self) -> None:
        """The rest becomes a line although nothing ended it: the process is gone."""
        if self._rest:
            self._log.add(self._stream, self._rest)
            self._rest = ""

    def _cut(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            self._log.add(self._stream, line)
        if len(self._rest) > LINE_LIMIT_CHARACTERS:
            self.flush()
