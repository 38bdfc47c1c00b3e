"""One message to its answer, over any connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ipc.chat.conversation import Conversation
from ipc.control import Answered, Ask, Item, Piece, Streaming
from ipc.errors import EngineDied, EngineRoomError, Problem, RequestFailed


class Streams(Protocol):
    """The part of `ipc.client.Client` that this needs."""

    def stream(self, command: Streaming) -> AbstractAsyncContextManager[AsyncIterator[Item]]:
        """The items, for as long as the context lasts."""


async def answer(
    connection: Streams, engine: str, conversation: Conversation, changed: Callable[[], None] = lambda: None
) -> None:
    """Answer the open exchange; `changed` is called after each change of it, also after the last.

    Nothing that goes wrong is raised: it stands in the exchange. Where the context is full, the oldest exchanges are
    dropped and it is asked again. Cancelled, it stops the engine and keeps the text so far.
    """
    forgotten = conversation.forgotten
    try:
        while conversation.open is not None:
            try:
                await _hear(connection, engine, conversation, changed)
            except RequestFailed as error:
                if not conversation.shorten(error.problem):
                    conversation.forgotten = forgotten
                    conversation.fail(error.problem)
    except EngineDied as error:
        conversation.fail(error.problem, died=error.text)
    except EngineRoomError as error:
        conversation.fail(error.problem)
    finally:
        conversation.stop()
        changed()


async def _hear(connection: Streams, engine: str, conversation: Conversation, changed: Callable[[], None]) -> None:
    async with connection.stream(Ask(engine, conversation.payload())) as items:
        async for item in items:
            match item:
                case Piece(text):
                    conversation.add(text)
                case Answered():
                    conversation.answered(item)
                case _:
                    continue
            changed()
    conversation.fail(Problem("No answer", f"{engine} ended without an answer.", "Ask again."))
