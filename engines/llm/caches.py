"""What was computed before and can be used again: the caches of free sequences, and prefixes in host memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.llm.context import Context
from engines.llm.prefixes import WORTH_TOKENS, Prefix, Prefixes, usable


@dataclass(frozen=True)
class _Left:
    """What the cache of a free sequence holds; `passing` where the next turn of a conversation may come back to it."""

    tokens: Sequence[int] = ()
    passing: bool = False

    def of_another(self, count: int) -> bool:
        """Whether somebody's conversation would be lost to a prompt that takes up its first `count` tokens."""
        return self.passing and 4 * count < 3 * len(self.tokens)


class Caches:
    """Gives sequences out and takes them back. What a person's conversation left is saved before it is overwritten."""

    def __init__(self, context: Context, limit: int) -> None:
        self._context = context
        self._free = {sequence: _Left() for sequence in range(context.parallel)}
        """The longest unused first."""
        self.prefixes = Prefixes(limit)

    @property
    def free(self) -> frozenset[int]:
        """Sequences that nobody has."""
        return frozenset(self._free)

    def any_free(self) -> bool:
        """Whether one can be claimed."""
        return bool(self._free)

    def claim(self, prompt: Sequence[int]) -> tuple[int, int]:
        """Take a free sequence, and put as much of `prompt` into its cache as was computed anywhere.

        Returns the sequence, and how many tokens of the prompt its cache holds.
        """
        cuts = self._context.cuts
        saved = {number: usable(left.tokens, prompt, cuts=cuts) for number, left in self._free.items()}
        sequence = max(saved, key=lambda number: saved[number])
        left, count = self._free[sequence], saved[sequence]
        prefix, stored = self.prefixes.find(prompt, cuts=cuts)
        if prefix is not None and (stored > count or (stored == count and left.of_another(count))):
            sequence = self._least_missed()
            self.claim_this(sequence)
            return sequence, self._filled(sequence, prefix, stored)
        if count < WORTH_TOKENS and left.of_another(count):
            sequence = self._least_missed()
            left, count = self._free[sequence], saved[sequence]
        if left.of_another(count):
            self.claim_this(sequence)
        else:
            del self._free[sequence]
        if count and self._context.cut(sequence, count):
            return sequence, count
        self._context.forget(sequence)
        return sequence, 0

    def claim_empty(self) -> int:
        """Take the first free sequence, with nothing in its cache."""
        sequence = min(self._free)
        self.claim_this(sequence)
        self._context.forget(sequence)
        return sequence

    def claim_this(self, sequence: int) -> None:
        """Take this one, whose cache will be overwritten."""
        left = self._free.pop(sequence)
        if left.passing and self.prefixes.may_hold(left.tokens):
            self.prefixes.put(Prefix(left.tokens, self._context.state(sequence), passing=True))

    def leave(self, sequence: int, tokens: Sequence[int], *, passing: bool) -> None:
        """Give a sequence back, whose cache holds these tokens."""
        self._free[sequence] = _Left(tokens, passing and len(tokens) >= WORTH_TOKENS)

    def keep(self, sequence: int, tokens: Sequence[int]) -> bool:
        """Save what the cache of a sequence holds, for everybody; False where there is no room for it."""
        return self.prefixes.put(Prefix(tokens, self._context.state(sequence), passing=False))

    def fill(self, sequence: int, prompt: Sequence[int]) -> int:
        """Put a prefix of `prompt` into the empty cache of a claimed sequence; returns how many tokens of it."""
        prefix, count = self.prefixes.find(prompt, cuts=self._context.cuts)
        return 0 if prefix is None else self._filled(sequence, prefix, count)

    def _filled(self, sequence: int, prefix: Prefix, count: int) -> int:
        whole = self._context.restore(sequence, prefix.state, len(prefix.tokens))
        if not whole or prefix.passing:
            self.prefixes.drop(prefix)
        return count if whole and self._context.cut(sequence, count) else 0

    def _least_missed(self) -> int:
        """The first sequence that no conversation will come back to, else the longest unused."""
        unwanted = [sequence for sequence, left in self._free.items() if not left.passing]
        return min(unwanted) if unwanted else next(iter(self._free))
