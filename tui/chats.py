"""The conversations of this dashboard, one for each engine: they outlive the screen that shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio

from ipc.chat import asking
from ipc.chat.conversation import Conversation
from tui.bridge import Connection


class Chat:
    """One of them. `changed` is called after each piece; who looks at it sets it."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.conversation = Conversation()
        self.asked_unix = 0.0
        """When the last message was asked, by the box's clock."""
        self.edition = 0
        """Grows when what was shown is no more."""
        self.saved: set[Path] = set()
        self.changed: Callable[[], None] = _nothing
        self._scope: anyio.CancelScope | None = None

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Who looked at it does so no more."""
        if self.changed == changed:
            self.changed = _nothing

    @property
    def answering(self) -> bool:
        """Whether an answer is on its way."""
        return self.conversation.open is not None

    async def answer(self, connection: Connection) -> None:
        """Answer what was asked last, to its end or until `stop`. What goes wrong stands in the conversation."""
        with anyio.CancelScope() as self._scope:
            await asking.answer(connection, self.engine, self.conversation, lambda: self.changed())
        self._scope = None

    def stop(self) -> bool:
        """End the answer that is on its way; False where none is."""
        if not self.answering:
            return False
        if self._scope is None:  # it has not begun, and now it never will
            self.conversation.stop()
            self.changed()
        else:
            self._scope.cancel()
        return True

    def clear(self) -> None:
        """Begin anew."""
        self.conversation.clear()
        self.edition += 1

    def again(self) -> bool:
        """Ask the last message once more; False where there is none."""
        self.edition += 1
        return self.conversation.again() is not None


class Chats:
    """By the engine's name."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}

    def of(self, engine: str) -> Chat:
        """As it was left."""
        return self._chats.setdefault(engine, Chat(engine))


def _nothing() -> None:
    """Nobody looks."""
