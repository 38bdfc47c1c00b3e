"""Tells which engine each recording of a job goes to: the first one by one, of many more only how many. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from config.pools import Route
from config.units import duration

ONE_BY_ONE = 10
"""So many recordings of a job are told singly."""
TOGETHER = 100
"""After those, so many at once."""


@dataclass
class Choices:
    """What was told of one job so far."""

    latest: int | None = None
    """The last input that was looked at."""
    told: int = 0
    untold: Counter[str] = field(default_factory=Counter)
    """How many go where, since that was last told."""

    def skip(self, source: int) -> None:
        """Inputs up to this one were told by an earlier supervisor."""
        if self.latest is None:
            self.latest = source

    def tell(self, route: Route, source: int, path: str, extent_seconds: float | None) -> str:
        """The sentence for an input whose first unit was planned; empty where there is nothing to say just now."""
        if source <= (-1 if self.latest is None else self.latest):
            return ""
        self.latest = source
        if len(route.stages) == 1:
            return ""
        stage = route.stage_of(extent_seconds)
        self.told += 1
        if self.told <= ONE_BY_ONE:
            name, engines = Path(path).name, engines_of(route, stage)
            if extent_seconds is None:
                return f"{name} (length unknown) goes to {engines}, as the longest do."
            return f"{name} ({duration(extent_seconds)}) goes to {engines}: {route.reason(stage)}."
        self.untold[f"{engines_of(route, stage)} ({route.reason(stage)})"] += 1
        return self.rest() if self.untold.total() >= TOGETHER else ""

    def rest(self) -> str:
        """The sentence for what was not told singly; empty where there is none."""
        if not self.untold:
            return ""
        parts = [f"{count:,} to {where}" for where, count in self.untold.most_common()]
        many = self.untold.total()
        self.untold.clear()
        return f"{many:,} more recording{'s' if many > 1 else ''}: {', '.join(parts)}."


def engines_of(route: Route, stage: int) -> str:
    """The engines of a stage: `small`, `a or b`."""
    return " or ".join(route.stages[stage].engines)
