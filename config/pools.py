"""A pool: one name over several engines of a kind, and the route by which each recording finds its engine. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from config.errors import did_you_mean
from config.units import BadUnit, duration, seconds

EXAMPLE = "small < 30s < medium < 10m < large"


class BadRoute(ValueError):
    """Raised when text is no route: why, and the way out."""

    def __init__(self, why: str, hint: str = f'Write engines with bounds between them: "{EXAMPLE}".') -> None:
        super().__init__(f"{why}. {hint}")
        self.why = why
        self.hint = hint


@dataclass(frozen=True)
class Stage:
    """Engines that share what is shorter than `below_seconds` and no stage before takes; None: whatever is left."""

    engines: tuple[str, ...]
    below_seconds: float | None = None


@dataclass(frozen=True)
class Route:
    """Stages for ever longer recordings; the last takes what is longest, and what nobody knows the length of."""

    stages: tuple[Stage, ...]

    @cached_property
    def engines(self) -> tuple[str, ...]:
        """All engines on the way, each once."""
        return tuple(dict.fromkeys(name for stage in self.stages for name in stage.engines))

    @cached_property
    def stages_of(self) -> Mapping[str, tuple[int, ...]]:
        """Where each engine works."""
        every = range(len(self.stages))
        return {name: tuple(n for n in every if name in self.stages[n].engines) for name in self.engines}

    def stage_of(self, extent_seconds: float | None) -> int:
        """Where a recording of that length goes. Its quality is never risked: an unknown length may be the longest."""
        last = len(self.stages) - 1
        if extent_seconds is None:
            return last
        bounds = (stage.below_seconds for stage in self.stages)
        return next((n for n, below in enumerate(bounds) if below is not None and extent_seconds < below), last)

    def reason(self, stage: int) -> str:
        """Which recordings go there: `under 30 s`, `30 s to 10 min`, `10 min and more`; `all` where all do."""
        below = self.stages[stage].below_seconds
        least = self.stages[stage - 1].below_seconds if stage else None
        if least is None:
            return "all" if below is None else f"under {duration(below)}"
        return f"{duration(least)} and more" if below is None else f"{duration(least)} to {duration(below)}"

    def __str__(self) -> str:
        """As it is written: `small < 30 s < medium < 10 min < large`."""
        parts: list[str] = []
        for stage in self.stages:
            parts.append(" ".join(stage.engines))
            parts += [] if stage.below_seconds is None else [duration(stage.below_seconds)]
        return " < ".join(parts)


@dataclass(frozen=True)
class Pool:
    """One name over engines of one kind; `languages` have routes of their own."""

    name: str
    kind: str
    route: Route
    languages: Mapping[str, Route] = field(default_factory=dict)
    budget_bytes: int | None = None
    """What its engines may hold together of GPUs, or of the host where they are on none; None for whatever fits."""

    @cached_property
    def members(self) -> tuple[str, ...]:
        """All engines of all routes, each once."""
        routes = (self.route, *self.languages.values())
        return tuple(dict.fromkeys(name for route in routes for name in route.engines))

    def route_for(self, language: str) -> Route:
        """The way of a recording in that language; empty where nobody knows which it is."""
        return self.languages.get(language, self.route)


def parse_route(text: str, kinds: Mapping[str, str]) -> Route:
    """A route as it is written: engines, a bound, engines, …; `kinds` are those of the engines that there are.

    Raises:
        BadRoute
    """
    parts = [part.strip() for part in text.split("<")]
    if not all(parts):
        raise BadRoute("engines and bounds take turns, and one is missing" if text.strip() else "it is empty")
    if len(parts) % 2 == 0:
        raise BadRoute(f"it ends with {parts[-1]!r}, where the engines for what is longer should stand")
    crews = [_engines(part, kinds) for part in parts[::2]]
    bounds = [_bound(part, kinds) for part in parts[1::2]]
    for lower, higher in pairwise(bounds):
        if higher <= lower:
            raise BadRoute(
                f"{duration(higher)} comes after {duration(lower)}", "Write bounds from the shortest to the longest."
            )
    route = Route(tuple(Stage(crew, bound) for crew, bound in zip(crews, [*bounds, None], strict=True)))
    kind_of(route.engines, kinds)
    return route


def kind_of(engines: Iterable[str], kinds: Mapping[str, str]) -> str:
    """The kind that all of these are of. Raises BadRoute: they are of several."""
    first, *others = engines
    for other in others:
        if kinds[other] != kinds[first]:
            raise BadRoute(
                f"{first} is of kind {kinds[first]}, {other} of kind {kinds[other]}",
                "A pool holds engines of one kind.",
            )
    return kinds[first]


def _engines(part: str, kinds: Mapping[str, str]) -> tuple[str, ...]:
    names = part.split()
    for name in names:
        if name not in kinds:
            if name[0].isdigit():
                raise BadRoute(f"{name!r} stands where an engine should")
            raise BadRoute(f"there is no engine {name!r}", did_you_mean(name, kinds))
        if names.count(name) > 1:
            raise BadRoute(f"{name} is named twice for the same recordings", "Name it once.")
    return tuple(names)


def _bound(part: str, kinds: Mapping[str, str]) -> float:
    if part.split()[0] in kinds:
        raise BadRoute(
            f"{part!r} stands where a bound should", 'Engines that share their work need no sign: "a b < 30s < c".'
        )
    try:
        bound = seconds(part)
    except (BadUnit, ValueError) as error:
        why = error.why if isinstance(error, BadUnit) else "that is no time"
        raise BadRoute(f"the bound {part!r}: {why}", "Write a time, such as 30s, 10m or 1h 30m.") from error
    if bound <= 0:
        raise BadRoute(f"the bound {part!r} is not above 0", "Write a time, such as 30s, 10m or 1h 30m.")
    return bound
