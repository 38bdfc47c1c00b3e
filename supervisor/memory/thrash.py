"""Two engines that keep taking each other's place: how often, and what it cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

WINDOW_SECONDS: Final = 600.0
ENOUGH: Final = 6
"""Swaps of one pair within the window, both directions together."""


@dataclass(frozen=True, slots=True)
class Swap:
    """`out` was unloaded to make room for `into`."""

    at: float
    """Monotonic seconds."""
    out: str
    into: str
    seconds_lost: float
    """From the unload of the one until the other was ready."""


@dataclass(frozen=True, slots=True)
class Thrash:
    """A pair that swaps too often."""

    first: str
    second: str
    swaps: int
    seconds_lost: float

    def text(self) -> str:
        """`writer and voice swapped 14 times in 10 min, 9 min lost`."""
        lost = f"{self.seconds_lost / 60:.0f} min" if self.seconds_lost >= 60 else f"{self.seconds_lost:.0f} s"
        minutes = f"{WINDOW_SECONDS / 60:.0f} min"
        return f"{self.first} and {self.second} swapped {self.swaps} times in {minutes}, {lost} lost"


@dataclass(frozen=True, slots=True)
class Swaps:
    """The swaps of the last ten minutes, in order."""

    window: tuple[Swap, ...] = ()

    def noted(self, swap: Swap) -> Swaps:
        """With one more, without those that are too old by now."""
        return Swaps((*(one for one in self.window if one.at > swap.at - WINDOW_SECONDS), swap))

    def alarm(self, now: float) -> Thrash | None:
        """The pair that swapped most often, if that is too often."""
        pairs: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        for one in self.window:
            if one.at > now - WINDOW_SECONDS:
                pairs[min(one.out, one.into), max(one.out, one.into)].append(one.seconds_lost)
        worst = max(pairs.items(), key=lambda pair: (len(pair[1]), sum(pair[1])), default=None)
        if worst is None or len(worst[1]) < ENOUGH:
            return None
        (first, second), lost = worst
        return Thrash(first, second, len(lost), sum(lost))
