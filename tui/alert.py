"""One thing that needs the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Alert:
    """What is wrong, why, and the key that helps. `since` is unix seconds, None when nobody saw it begin."""

    about: str
    grave: Literal["warn", "bad"]
    what: str
    since: float | None
    why: str
    help: str
