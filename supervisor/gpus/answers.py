"""What a call to the driver's library comes to: the value, "this card does not tell", or a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")

UNINITIALIZED = 1
_SILENT = frozenset({3, 4, 13, 21, 25, 27})
"""Not supported, no permission, no such function, no data, version mismatch, not ready: ordinary, and no fault."""
_LOST = frozenset({UNINITIALIZED, 9, 15, 16, 28})
"""Uninitialized, driver not loaded, GPU lost, reset required, GPU not found."""


@dataclass(frozen=True, slots=True)
class NotSupported:
    """This card or this driver does not tell."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The call failed. `code` is the library's own (nvmlReturn_t), `text` its words."""

    code: int
    text: str

    @property
    def lost(self) -> bool:
        """Whether no other call on that handle can be expected to work."""
        return self.code in _LOST


Answer: TypeAlias = T | NotSupported | Failure


def lack(code: int, text: str) -> NotSupported | Failure:
    """What an error code of the library means to us."""
    return NotSupported() if code in _SILENT else Failure(code, text)
