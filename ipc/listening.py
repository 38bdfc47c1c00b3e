"""Listening to somebody who speaks: sound goes in as it is spoken, and what was heard comes out meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import msgspec

from ipc import control
from ipc.errors import EngineDied, Problem, RequestFailed
from ipc.feeding import Feeding
from ipc.hearing import Listened, Live, Wish

if TYPE_CHECKING:
    from ipc.client import Client

_lines = msgspec.json.Decoder(Live)
_answers = msgspec.json.Decoder(Listened)


class Listening:
    """Iterate what is heard, each a `Live`, while `feed` gives it more sound; `result` stands when that has ended."""

    def __init__(self, stream: Feeding[control.Item], engine: str) -> None:
        self.result: Listened | None = None
        """All that was heard; None until the end."""
        self._stream = stream
        self._engine = engine
        self._committed: list[str] = []
        self._lines: list[str] = []
        """Whole ones that came and were not given, the next last."""
        self._rest = ""

    @property
    def text(self) -> str:
        """What was committed so far."""
        return "".join(self._committed)

    async def feed(self, samples: bytes) -> None:
        """Signed 16-bit little-endian samples at 16 kHz, mono; waits while the engine is half a minute behind.

        Raises:
            RequestFailed: `end` was said before.
        """
        await self._stream.feed(samples)

    def end(self) -> None:
        """Nothing more will be said: what is heard in the last of it still comes."""
        self._stream.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Live:
        """Raises RequestFailed, ConnectionFailed, and EngineDied with what was committed."""
        while not self._lines:
            await self._more()
        live = _lines.decode(self._lines.pop())
        self._committed.append(live.commit)
        return live

    async def _more(self) -> None:
        if self.result is not None:
            raise StopAsyncIteration
        try:
            item = await anext(self._stream)
        except EngineDied as error:
            raise EngineDied(error.problem, self.text) from None
        except StopAsyncIteration:
            problem = Problem("No answer", f"{self._engine} ended without an answer.", "Listen again.")
            raise RequestFailed(problem) from None
        match item:
            case control.Piece(text):
                *lines, self._rest = (self._rest + text).split("\n")
                self._lines = lines[::-1]
            case control.Answered(result):
                self.result = _answers.decode(result)
            case _:
                pass


@asynccontextmanager
async def listen(client: Client, wish: Wish, engine: str) -> AsyncGenerator[Listening]:
    """As `Client.listen`, with an engine's name."""
    async with client.feeding(control.Ask(engine, msgspec.json.encode(wish).decode())) as stream:
        yield Listening(stream, engine)
