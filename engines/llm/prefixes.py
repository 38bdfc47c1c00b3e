"""Computed prompts in host memory: the tokens, and the bytes of the cache that holds them; the longest unused go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WORTH_TOKENS = 32
"""Shorter ones are computed sooner than they are looked for and copied."""


@dataclass(frozen=True, eq=False)
class Prefix:
    """What a cache held, and whether its end can be dropped again.

    It is `passing` where only the next turn of one conversation can want it.
    """

    tokens: Sequence[int]
    state: bytearray
    cuts: bool
    passing: bool


class Prefixes:
    """Holds up to `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._refused: int | None = None
        """So many tokens were too many."""
        self._kept: list[Prefix] = []
        """The longest unused first."""

    @property
    def bytes(self) -> int:
        """What it holds."""
        return sum(len(one.state) for one in self._kept)

    def resize(self, limit: int) -> None:
        """Hold up to so many bytes from now on."""
        if limit != self._limit:
            self._limit, self._refused = limit, None
            self._shrink(0)

    def may_hold(self, tokens: Sequence[int]) -> bool:
        """Whether these could be kept, as far as is known before they are computed."""
        return self._limit > 0 and (self._refused is None or len(tokens) < self._refused)

    def find(self, prompt: Sequence[int]) -> tuple[Prefix | None, int]:
        """The one that saves most of this prompt, and how many tokens of it."""
        best, most = None, WORTH_TOKENS - 1
        for one in self._kept:
            count = usable(one.tokens, prompt, cuts=one.cuts)
            if count > most or (count == most and best is not None and len(one.state) < len(best.state)):
                best, most = one, count
        if best is None:
            return None, 0
        self._kept.remove(best)
        self._kept.append(best)
        return best, most

    def put(self, prefix: Prefix) -> bool:
        """Keep it, in the room of others if need be; False where it is larger than all the room there is."""
        if len(prefix.state) > self._limit:
            self._refused = min(len(prefix.tokens), self._refused or len(prefix.tokens))
            return False
        self._kept = [one for one in self._kept if not _covers(prefix, one)]
        self._shrink(len(prefix.state))
        self._kept.append(prefix)
        return True

    def drop(self, prefix: Prefix) -> None:
        """It is of no use."""
        if prefix in self._kept:
            self._kept.remove(prefix)

    def _shrink(self, coming: int) -> None:
        while self._kept and self.bytes + coming > self._limit:
            del self._kept[0]


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with; slices are compared, because a loop over a long prompt takes milliseconds."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def usable(held: Sequence[int], prompt: Sequence[int], *, cuts: bool) -> int:
    """How many tokens of a prompt a cache saves that holds these: the last one is always computed, for its scores."""
    count = min(common(held, prompt), len(prompt) - 1)
    return count if cuts or count == len(held) else 0


def _covers(new: Prefix, old: Prefix) -> bool:
    """Whether the new one does all that the old one did."""
    same = common(new.tokens, old.tokens) == len(old.tokens)
    return same and (old.passing or len(new.tokens) == len(old.tokens))
