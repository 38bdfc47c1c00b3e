"""What every screen is given."""

from __future__ import annotations

from dataclasses import dataclass, field

from anyio import Lock

from tui.bridge import Connection
from tui.chats import Chats
from tui.store import Store


@dataclass(frozen=True)
class Context:
    """The truth as last seen, the way to the supervisor, and whether acting is allowed."""

    store: Store
    connection: Connection
    readonly: bool = False
    chats: Chats = field(default_factory=Chats)
    turn: Lock = field(default_factory=Lock)
    """Held by a command that builds on the answer to the one before it."""
