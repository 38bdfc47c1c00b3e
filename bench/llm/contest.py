"""Contestants take turns, so that a busy moment meets them all; one that fails is told, never a zero."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bench.peer import PeerFailed


@dataclass(frozen=True)
class Run:
    """What one contestant wrote in one round, in seconds."""

    tokens: int
    seconds: float
    cpu: float | None = None
    """Of all of its processes, where that is known."""

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds


Contestant: TypeAlias = Callable[[Path], Run]
"""Answers a file of prompts."""


@dataclass
class Results:
    """Rounds by contestant; whoever failed once has none any more, and a reason."""

    runs: dict[str, list[Run]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def rate(self, name: str) -> float | None:
        """Median tokens/s; None where it took no part."""
        return statistics.median(run.rate for run in self.runs[name]) if self.runs.get(name) else None

    def cost(self, name: str) -> float | None:
        """Median CPU µs a token."""
        taken = [run.cpu / run.tokens * 1e6 for run in self.runs.get(name, ()) if run.cpu is not None]
        return statistics.median(taken) if taken else None

    def ratio(self, name: str, other: str) -> float | None:
        """Median over the rounds of the tokens/s of one against the other."""
        ours, theirs = self.runs.get(name), self.runs.get(other)
        if not ours or not theirs:
            return None
        return statistics.median(one.rate / two.rate for one, two in zip(ours, theirs, strict=True))

    def tokens(self, but: str = "") -> str:
        """What each wrote in a round, so that nobody is compared with one who wrote less; `but` is left out."""
        counts = {name: runs[0].tokens for name, runs in self.runs.items() if runs and name != but}
        if len(set(counts.values())) == 1:
            return f"{next(iter(counts.values())):,} each"
        return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def take_turns(
    contestants: Mapping[str, Contestant], few: Path, source: Path, rounds: int, failed: Mapping[str, str]
) -> Results:
    """`few` once for everybody, not counted, then `source` once a round; `failed` are those who could not come."""
    results = Results({name: [] for name in contestants}, dict(failed))
    for number in range(rounds + 1):
        for name, run in contestants.items():
            if name in results.failed:
                continue
            try:
                taken = run(source if number else few)
            except PeerFailed as failure:
                results.failed[name] = str(failure)
                results.runs[name] = []
            else:
                if number:
                    results.runs[name].append(taken)
    return results
