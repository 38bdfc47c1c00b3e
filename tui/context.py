"""What every screen is given."""

from __future__ import annotations

from dataclasses import dataclass

from tui.bridge import Connection
from tui.store import Store


@dataclass(frozen=True)
class Context:
    """The truth as last seen, the way to the supervisor, and whether acting is allowed."""

    store: Store
    connection: Connection
    readonly: bool = False
