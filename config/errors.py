"""The one error of this room, and the help for a mistyped name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ipc.errors import EngineRoomError


class BadConfig(EngineRoomError):
    """Raised when the configuration cannot be used as it is written; nothing was started or changed."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'n_ctx'?`, or the list of what is known when nothing is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "None is known."
