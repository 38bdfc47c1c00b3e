"""One line of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `text` says what is, and what a lack costs; `hint` is the way out."""

    what: str
    verdict: Literal["ok", "warn", "bad"]
    text: str
    hint: str = ""
