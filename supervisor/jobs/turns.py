"""Engines that cannot be loaded together take turns: A B A B becomes A A B B, and nobody waits for ever. Pure.

An engine that is loaded goes on with whatever waits for it, because a swap costs two loads. What is more urgent gets
its room at once, and what is as urgent once it has waited for longer than the patience, which the engine in its way had
to work in: those in its way begin no further flight. What is less urgent waits, as it does on one engine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
    """Who waits since when, and who is loaded since when (monotonic seconds)."""

    patience_seconds: float
    _since: dict[str, float] = field(default_factory=dict)
    _loaded: dict[str, float] = field(default_factory=dict)

    def yielding(
        self, needs: Iterable[Need], busy_with: Mapping[str, int], loaded: Collection[str], monotonic: float
    ) -> dict[str, str]:
        """Engines that begin no flight now, each with the one it makes room for.

        `busy_with` is the highest priority of the jobs that an engine works for; `loaded` are those that can work.
        """
        needs = sorted(needs, key=lambda need: (-need.priority, self._since.get(need.engine, monotonic)))
        self._since = {need.engine: self._since.get(need.engine, monotonic) for need in needs}
        self._loaded = {engine: self._loaded.get(engine, monotonic) for engine in loaded}
        yielding: dict[str, str] = {}
        for need in needs:
            if all(self._gives_way(other, busy_with.get(other, 0), need, monotonic) for other in need.blocked_by):
                for other in need.blocked_by:
                    yielding.setdefault(other, need.engine)
        return {other: engine for other, engine in yielding.items() if engine not in yielding}

    def _gives_way(self, other: str, priority: int, need: Need, monotonic: float) -> bool:
        if need.priority != priority:
            return need.priority > priority
        since = self._loaded.get(other)
        return since is not None and monotonic - max(since, self._since[need.engine]) >= self.patience_seconds
