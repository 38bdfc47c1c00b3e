"""Engines that cannot be loaded together take turns: A B A B becomes A A B B, and nobody waits for ever. Pure.

An engine that is loaded goes on with whatever waits for it, because a swap costs two loads. One that waits for its
room for longer than the patience gets it from work that is no more urgent, and at once from work that is less so: those
in its way begin no further flight.
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
            patient = monotonic - self._since[need.engine] < self.patience_seconds
            # Who waits for several gains nothing from some of them.
            if all(need.priority > busy_with.get(other, 0) - (not patient) for other in need.blocked_by):
                yielding.update((other, need.engine) for other in need.blocked_by if other not in yielding)
        return {other: engine for other, engine in yielding.items() if engine not in yielding}
