"""What was computed before and can be used again: the caches of free sequences, and prefixes in host memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.llm.context import Context
from engines.llm.prefixes import WORTH_TOKENS, Prefix, Prefixes, usable

_TAIL_TOKENS = 8
"""The end of a prompt may be written differently once an answer follows it."""


@dataclass(frozen=True)
class _Left:
    """What the cache of a free sequence holds; `passing` where the next turn of a conversation may come back to it."""

    tokens: Sequence[int] = ()
    passing: bool = False
    prompt: int = 0
    """So many of the tokens were asked, and not written."""

    def of_another(self, count: int) -> bool:
        """Whether a prompt that begins with the first `count` tokens is not the next turn of what was left here."""
        return self.passing and count < self.prompt - _TAIL_TOKENS


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
        saved = {
            number: usable(left.tokens, prompt, cuts=self._context.cuts(number)) for number, left in self._free.items()
        }
        sequence = max(saved, key=lambda number: saved[number])
        left, count = self._free[sequence], saved[sequence]
        prefix, stored = self.prefixes.find(prompt)
        another = left.of_another(count)
        target = self._least_missed() if another else sequence
        if prefix is not None and (stored > count or (stored == count and another)):
            target = self._least_missed()
        elif target == sequence:
            self._take(sequence, save=another)
            return sequence, self._cut(sequence, count)
        elif count < WORTH_TOKENS or not (self._context.states_cut or count == len(left.tokens)):
            self.claim_this(target)
            return target, self._cut(target, saved[target])
        else:
            prefix, stored = self._prefix(sequence, left.tokens, passing=False), count
        self.claim_this(target)
        return target, self._filled(target, prefix, stored)

    def claim_empty(self) -> int:
        """Take the first free sequence, with nothing in its cache."""
        sequence = min(self._free)
        self.claim_this(sequence)
        self._context.forget(sequence)
        return sequence

    def claim_this(self, sequence: int) -> None:
        """Take this one, whose cache will be overwritten."""
        self._take(sequence, save=True)

    def leave(self, sequence: int, tokens: Sequence[int], *, conversation: int = 0) -> None:
        """Give a sequence back, whose cache holds these tokens; of a person's `conversation` so many were asked."""
        self._free[sequence] = _Left(tokens, conversation >= WORTH_TOKENS, conversation)

    def forget(self) -> None:
        """Empty all free sequences; what is in host memory stays."""
        for sequence in self._free:
            self._context.forget(sequence)
            self._free[sequence] = _Left()

    def keep(self, sequence: int, tokens: Sequence[int]) -> bool:
        """Save what the cache of a sequence holds, for everybody; False where there is no room for it."""
        return self.prefixes.put(self._prefix(sequence, tokens, passing=False))

    def fill(self, sequence: int, prompt: Sequence[int]) -> int:
        """Put a prefix of `prompt` into the empty cache of a claimed sequence; returns how many tokens of it."""
        prefix, count = self.prefixes.find(prompt)
        return 0 if prefix is None else self._filled(sequence, prefix, count)

    def _take(self, sequence: int, *, save: bool) -> None:
        left = self._free.pop(sequence)
        if save and left.passing and self.prefixes.may_hold(left.tokens):
            self.prefixes.put(self._prefix(sequence, left.tokens, passing=True))

    def _prefix(self, sequence: int, tokens: Sequence[int], *, passing: bool) -> Prefix:
        return Prefix(tokens, self._context.state(sequence), self._context.states_cut, passing)

    def _cut(self, sequence: int, count: int) -> int:
        if count and self._context.cut(sequence, count):
            return count
        self._context.forget(sequence)
        return 0

    def _filled(self, sequence: int, prefix: Prefix, count: int) -> int:
        whole = self._context.restore(sequence, prefix.state, len(prefix.tokens))
        if not whole:
            self.prefixes.drop(prefix)
        return self._cut(sequence, count) if whole else 0

    def _least_missed(self) -> int:
        """The first sequence that no conversation will come back to, else the longest unused."""
        unwanted = [sequence for sequence, left in self._free.items() if not left.passing]
        return min(unwanted) if unwanted else next(iter(self._free))
