"""Which way to load: the options in order, then the rungs of the ladder, by what the ledger says to each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engines.appraisal import LEVELS, Appraisal, Option
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
    appraisal: Appraisal, verdict: Callable[[Option], Plan | Wait | Refusal], *, step: bool
) -> Chosen | Wait | Refusal:
    """The best option with a plan; else the first wait among them; else, where `step`, the same with the rungs.

    The best is the first. Where options differ only in how much is done at once, it is the first that nobody has to
    leave for, else the least. Without any plan or wait it is the first refusal that may yet change, with the rung that
    would fit.
    """
    options, rungs = appraisal.options, appraisal.rungs
    refusals: list[Refusal] = []
    for ways in (options, rungs) if step else (options,):
        modest = ways is options and appraisal.only_more_at_once
        waits: list[Wait] = []
        least: Chosen | None = None
        for at, way in enumerate(ways):
            match verdict(way):
                case Plan() as plan:
                    least = Chosen(way, plan, rungs if ways is options else rungs[at + 1 :])
                    if not (modest and plan.victims):
                        return least
                case Wait() as wait:
                    waits.append(wait)
                case Refusal() as refusal:
                    refusals.append(refusal)
        if least is not None:
            return least
        if waits:
            return waits[0]
    first = next((one for one in refusals if not one.impossible), refusals[0])
    would = None if step else next((rung for rung in rungs if isinstance(verdict(rung), Plan)), None)
    return replace(first, help=f"{first.help} {_would_fit(would)}") if would is not None else first


def _would_fit(rung: Option) -> str:
    if rung.words.startswith("on "):
        return f"It would fit {rung.words}."
    return f"It would fit {'as' if rung.words.startswith(LEVELS) else 'with'} {rung.words}."
