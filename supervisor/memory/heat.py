"""Heat of one GPU: when to warn, when to hold new flights, when to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_UNDER_SLOWDOWN: Final = 3.0
_HOLD_WHERE_UNTOLD: Final = 87.0
"""What many cards' own slowdown is near to."""
_WARM_ENDS_BELOW: Final = 3.0


@dataclass(frozen=True, slots=True)
class HeatRule:
    """All in °C."""

    warn_celsius: float = 80.0
    hold_celsius: float = 0.0
    """0 for 3 under where the card slows itself down, or 87 where it does not tell."""
    resume_below: float = 10.0
    """So far under the hold mark new flights begin again."""


@dataclass(frozen=True, slots=True)
class Heat:
    """One GPU's heat at one moment."""

    warm: bool
    held: bool
    """No new flight begins on it."""
    limit_celsius: float
    """Where the hold begins."""


def heat_of(temperature: float | None, slowdown: float | None, before: Heat | None, rule: HeatRule) -> Heat:
    """The heat at a temperature, after `before`; an unknown temperature changes nothing."""
    limit = rule.hold_celsius
    if limit <= 0:
        limit = slowdown - _UNDER_SLOWDOWN if slowdown is not None and slowdown > 0 else _HOLD_WHERE_UNTOLD
    if temperature is None:
        return before or Heat(False, False, limit)
    was_warm, was_held = (before.warm, before.held) if before else (False, False)
    warm = temperature >= rule.warn_celsius or (was_warm and temperature > rule.warn_celsius - _WARM_ENDS_BELOW)
    held = temperature >= limit or (was_held and temperature > limit - rule.resume_below)
    return Heat(warm, held, limit)
