"""A byte stream to another host: the standard input and output of `engineroom pipe`, run there by ssh."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from subprocess import PIPE

import anyio
from anyio.abc import ByteStream, Process
from anyio.streams.stapled import StapledByteStream

from ipc.background import background
from ipc.errors import ConnectionFailed, Problem

GRACE_SECONDS = 2.0
"""How long ssh may take to end by itself once its input is closed."""

_TAIL_BYTES = 2048


class Remote:
    """A running ssh: its byte stream, and what it said on standard error."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.stream: ByteStream = StapledByteStream(process.stdin, process.stdout)
        self._process = process
        self._said = b""
        self._silent = anyio.Event()

    async def last_words(self) -> str:
        """The last lines on standard error, once the connection has ended; empty when there were none."""
        with anyio.move_on_after(GRACE_SECONDS):
            await self._silent.wait()
        lines = [line.strip() for line in self._said.decode(errors="replace").splitlines() if line.strip()]
        return f"ssh said: {' '.join(lines[-3:])}" if lines else ""

    async def listen(self) -> None:
        """Take what ssh says on standard error from its first byte, so that it never blocks on a full pipe."""
        assert self._process.stderr is not None
        async for chunk in self._process.stderr:
            self._said = (self._said + chunk)[-_TAIL_BYTES:]
        self._silent.set()


@asynccontextmanager
async def pipe_on(box: str) -> AsyncGenerator[Remote]:
    """Run `engineroom pipe` on `box` (`user@host`, or a name of the ssh configuration); it ends with the block.

    Raises:
        ConnectionFailed: `box` is no host name, or there is no ssh here.
    """
    if not box or box.startswith("-") or any(c.isspace() for c in box):
        raise ConnectionFailed(Problem("Bad host", f"{box!r} is no host.", "Give it as user@host."))
    try:
        process = await anyio.open_process(["ssh", "-T", "--", box, "engineroom", "pipe"], stderr=PIPE)
    except OSError as error:
        raise ConnectionFailed(Problem("No ssh", f"ssh cannot be run: {error}.", "Install an ssh client.")) from None
    remote = Remote(process)
    async with background(remote.listen):
        try:
            yield remote
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)


async def _end(process: Process) -> None:
    assert process.stdin is not None
    await anyio.aclose_forcefully(process.stdin)
    with anyio.move_on_after(GRACE_SECONDS):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()
