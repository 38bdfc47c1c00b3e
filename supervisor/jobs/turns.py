"""Engines that cannot be loaded together take turns: A B A B becomes A A B B, and nobody waits for ever. Pure.

An engine that is loaded goes on with whatever waits for it, because a swap costs two loads. One that waits for its
room for longer than the patience, or whose work is more urgent, gets it: those in its way begin no further flight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Need:
    """An engine that units wait for and that finds no room because of others' work."""

    engine: str
    priority: int
    """The highest of the jobs that wait for it."""
    blocked_by: tuple[str, ...]


@dataclass
class Turns:
    """Who waits since when (monotonic seconds)."""

    patience_seconds: float
    _since: dict[str, float] = field(default_factory=dict)

    def yielding(self, needs: Iterable[Need], busy_with: Mapping[str, int], monotonic: float) -> dict[str, str]:
        """Engines that begin no flight now, each with the one it makes room for.

        `busy_with` is the highest priority of the jobs that an engine works for.
        """
        needs = sorted(needs, key=lambda need: (-need.priority, self._since.get(need.engine, monotonic)))
        self._since = {need.engine: self._since.get(need.engine, monotonic) for need in needs}
        yielding: dict[str, str] = {}
        for need in needs:
            waited = monotonic - self._since[need.engine]
            for other in need.blocked_by:
                urgent = need.priority > busy_with.get(other, 0)
                if (urgent or waited >= self.patience_seconds) and other not in yielding:
                    yielding[other] = need.engine
        return {other: engine for other, engine in yielding.items() if engine not in yielding}
