"""Tiers: what a GPU's size suggests. A ceiling, never a promise: the ledger decides what fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engines.appraisal import Level

_GIB: Final = 1 << 30
_TOLERANCE: Final = 1.06
"""An "8 GB" card reports 7.6 to 8.2 GiB, and sizes are sold at least a fifth apart, so 6 % above mixes up no two."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What GPUs of one size start with."""

    ceiling: Level
    """The finest precision chosen where the settings leave it open."""
    residents: int
    """Engines with a model on one GPU at once."""
    unload_after: float
    """Idle seconds; 0 for never."""


_SMALL_FIRST: Final = ((2, Tier("q4", 1, 60.0)), (4, Tier("q4", 2, 300.0)), (8, Tier("q8", 3, 600.0)))
_LARGE: Final = Tier("q16", 5, 0.0)


def tier_of(total_bytes: int) -> Tier:
    """The tier of a GPU with so much memory."""
    return next((tier for size, tier in _SMALL_FIRST if total_bytes <= size * _GIB * _TOLERANCE), _LARGE)
