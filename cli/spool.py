"""Standard input as an input of a job: kept on the box piece by piece, never all of it in memory here."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio

from cli import say
from cli.session import Session
from engines.catalog import KINDS
from ipc.client import expect
from ipc.control import Spool, Spooled
from ipc.errors import Problem, RequestFailed

PIECE_BYTES = 2**20


async def spooled_stdin(session: Session, kind: str) -> str:
    """The path on the box of a file that holds what stdin said until its end.

    Raises:
        RequestFailed: there is no stdin, or the box cannot keep it; ConnectionFailed.
    """
    name = "stdin" + (KINDS[kind].reads[0] if kind in KINDS else "")
    path = ""
    async with session.connect() as client:
        async for data in _pieces(_descriptor()):
            path = expect(await client.ask(Spool(path, name, data)), Spooled).path
    return path


def _descriptor() -> int:
    if sys.stdin is None:
        raise RequestFailed(Problem("No stdin", "Standard input is closed, so - has nothing to read.", "Name a file."))
    descriptor = sys.stdin.fileno()
    if os.isatty(descriptor):
        say.note("reading from this terminal until ctrl+d at the beginning of a line")
    return descriptor


async def _pieces(descriptor: int) -> AsyncIterator[bytes]:
    """At least one, which is empty where nothing came; each but the last as large as may be."""
    piece, sent = bytearray(), False
    while data := await _read(descriptor, PIECE_BYTES - len(piece)):
        piece += data
        if len(piece) == PIECE_BYTES:
            yield bytes(piece)
            piece, sent = bytearray(), True
    if piece or not sent:
        yield bytes(piece)


async def _read(descriptor: int, count: int) -> bytes:
    """What is there; empty at the end. Waiting by the loop and not in a thread lets ctrl+c end it."""
    with suppress(PermissionError):  # a file cannot be waited for, and need not be
        await anyio.wait_readable(descriptor)
    try:
        return os.read(descriptor, count)
    except OSError as error:
        what = f"Standard input cannot be read: {error.strerror}."
        raise RequestFailed(Problem("Cannot read stdin", what, "Name a file, or pipe one in.")) from error
