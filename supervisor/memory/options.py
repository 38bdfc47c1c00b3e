"""Which way to load: the options in order, then the rungs of the ladder, by what the ledger says to each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engines.appraisal import LEVELS, Option
from supervisor.memory.ask import Refusal
from supervisor.memory.victims import Plan, Wait


@dataclass(frozen=True, slots=True)
class Chosen:
    """A way to load that fits."""

    option: Option
    plan: Plan
    left: tuple[Option, ...]
    """Rungs that follow, should it run out of memory all the same."""


def choose(
    options: Sequence[Option],
    rungs: Sequence[Option],
    verdict: Callable[[Option], Plan | Wait | Refusal],
    *,
    step: bool,
) -> Chosen | Wait | Refusal:
    """The first option with a plan; else the first wait among them; else, where `step`, the same with the rungs.

    Else the first refusal that may yet change, with the rung that would fit.
    """
    refusals: list[Refusal] = []
    tried = (options, rungs) if step else (options,)
    for ways in tried:
        waits: list[Wait] = []
        for at, way in enumerate(ways):
            match verdict(way):
                case Plan() as plan:
                    return Chosen(way, plan, tuple(rungs) if ways is options else tuple(rungs[at + 1 :]))
                case Wait() as wait:
                    waits.append(wait)
                case Refusal() as refusal:
                    refusals.append(refusal)
        if waits:
            return waits[0]
    first = next((one for one in refusals if not one.impossible), refusals[0])
    would = None if step else next((rung for rung in rungs if isinstance(verdict(rung), Plan)), None)
    return replace(first, help=f"{first.help} {_would_fit(would)}") if would is not None else first


def _would_fit(rung: Option) -> str:
    if rung.words.startswith("on "):
        return f"It would fit {rung.words}."
    return f"It would fit {'as' if rung.words.startswith(LEVELS) else 'with'} {rung.words}."
