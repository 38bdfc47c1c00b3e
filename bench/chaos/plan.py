"""What is done to the room, in order: follows from the seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from bench.chaos.scale import Scale

Act: TypeAlias = Literal[
    "kill engine",
    "stop engine",
    "kill desk",
    "stop desk",
    "kill supervisor",
    "kill supervisor as it starts",
    "kill keeper",
    "client storm",
    "change a setting",
    "pause a job",
]
AS_IT_STARTS = 10
"""Of so many kills of the supervisor, one meets the next as it has just begun to start; at least one does."""


@dataclass(frozen=True)
class Step:
    """One act; `pick` chooses whom it meets among those that are there when its time comes."""

    act: Act
    pick: int


def plan(scale: Scale) -> tuple[Step, ...]:
    """All steps. What needs time to be got over is spread evenly; the rest falls where it falls."""
    dice = Random(scale.seed)
    at_start = min(max(1, scale.supervisor_kills // AS_IT_STARTS), scale.supervisor_kills // 2)
    placed = [
        *_spread(dice, "kill supervisor", scale.supervisor_kills - 2 * at_start),
        *_spread(dice, "kill supervisor as it starts", at_start),
        *_spread(dice, "kill keeper", scale.keeper_kills),
        # Three of a desk's own deaths within a minute would leave it failed, so they come early and far apart.
        *((0.8 * place, act) for place, act in _spread(dice, "stop desk", scale.desk_stops)),
        *_anywhere(dice, "kill engine", scale.engine_kills),
        *_anywhere(dice, "stop engine", scale.stops - scale.desk_stops),
        *_anywhere(dice, "kill desk", scale.desk_kills),
        *_anywhere(dice, "client storm", scale.storms),
        *_anywhere(dice, "change a setting", scale.changes),
        *_anywhere(dice, "pause a job", scale.pauses),
    ]
    return tuple(Step(act, dice.randrange(1 << 30)) for _, act in sorted(placed))


def _spread(dice: Random, act: Act, count: int) -> list[tuple[float, Act]]:
    return [((number + 0.25 + dice.random() / 2) / count, act) for number in range(count)]


def _anywhere(dice: Random, act: Act, count: int) -> list[tuple[float, Act]]:
    return [(dice.random(), act) for _ in range(count)]
