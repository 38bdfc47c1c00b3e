"""Vectors of texts for programs: requests of a good size sent together, and the answers as lists."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import anyio
import msgspec
from msgspec import Struct

from ipc import control
from ipc.errors import EngineRoomError, Problem, RequestFailed

if TYPE_CHECKING:
    from ipc.client import Client

KIND = "embed"
TEXTS = 256
"""In one request: few enough that others get their turn, enough that what a request costs is nothing to a text."""
CHARACTERS = 1_000_000
AT_ONCE = 8


class _Question(Struct, frozen=True):
    texts: Sequence[str]


class _Answer(Struct, frozen=True):
    dimensions: int
    vectors: str


_answers = msgspec.json.Decoder(_Answer)


async def embed(client: Client, texts: Sequence[str], engine: str) -> list[list[float]]:
    """As `Client.embed`, with an engine's name."""
    pieces = list(pieces_of(texts))
    found: list[list[list[float]]] = [[] for _ in pieces]
    failure: EngineRoomError | None = None
    limiter = anyio.Semaphore(AT_ONCE)

    async def one(place: int, piece: Sequence[str]) -> None:
        nonlocal failure
        async with limiter:
            try:
                found[place] = await _asked(client, piece, engine)
            except EngineRoomError as error:
                failure = failure or error
                group.cancel_scope.cancel()

    if len(pieces) == 1:
        return await _asked(client, pieces[0], engine)
    async with anyio.create_task_group() as group:
        for place, piece in enumerate(pieces):
            group.start_soon(one, place, piece)
    if failure is not None:
        raise failure
    return [vector for vectors in found for vector in vectors]


def pieces_of(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in requests of up to `TEXTS` texts and about `CHARACTERS` characters."""
    begin = characters = 0
    for at, text in enumerate(texts):
        if at > begin and (at - begin == TEXTS or characters + len(text) > CHARACTERS):
            yield texts[begin:at]
            begin, characters = at, 0
        characters += len(text)
    if begin < len(texts):
        yield texts[begin:]


def vectors_of(result: str) -> list[list[float]]:
    """The vectors in the result of one request."""
    answer = _answers.decode(result)
    numbers = array("f", base64.b64decode(answer.vectors))
    if sys.byteorder == "big":
        numbers.byteswap()
    size = answer.dimensions
    return [numbers[begin : begin + size].tolist() for begin in range(0, len(numbers), size)]


async def _asked(client: Client, texts: Sequence[str], engine: str) -> list[list[float]]:
    payload = msgspec.json.encode(_Question(texts)).decode()
    async with client.stream(control.Ask(engine, payload)) as items:
        async for item in items:
            if isinstance(item, control.Answered):
                return vectors_of(item.result)
    raise RequestFailed(Problem("No answer", f"{engine} ended without an answer.", "Ask again."))
