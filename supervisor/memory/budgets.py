"""Pools that may hold only so much at once: before a member is loaded beyond that, idle ones leave. Pure.

It comes after the decision where a load goes, and asks the same of those who leave as room on a GPU does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from supervisor.memory.ask import Refusal
from supervisor.memory.claims import Claim
from supervisor.memory.clearing import dearness
from supervisor.memory.decide import Grant, Verdict
from supervisor.memory.fleet import Resident
from supervisor.memory.leaving import stays_because
from supervisor.memory.victims import Wait
from supervisor.memory.wording import listed, needed, size


@dataclass(frozen=True, slots=True)
class Budget:
    """What the members of a pool may claim together: of GPUs, or of the host where they are on none."""

    pool: str
    members: frozenset[str]
    bytes: int


def within(
    verdict: Verdict,
    engine: str,
    budgets: Iterable[Budget],
    claims: Mapping[str, Claim],
    residents: Iterable[Resident],
) -> Verdict:
    """The verdict on a load of `engine`, whose own claim in `claims` it takes the place of, as its pools allow it."""
    residents = tuple(residents)
    for budget in budgets:
        if isinstance(verdict, Grant) and engine in budget.members:
            verdict = _within(verdict, engine, budget, claims, residents)
    return verdict


def _within(
    grant: Grant, engine: str, budget: Budget, claims: Mapping[str, Claim], residents: Iterable[Resident]
) -> Verdict:
    needs, may = grant.claim.whole_bytes, f"pool {budget.pool} may hold {size(budget.bytes)}"
    if needs > budget.bytes:
        told = needed(needs, estimated=grant.claim.placement.estimated)
        help_ = f"Raise `budget` of [pool.{budget.pool}], or load a smaller model."
        return Refusal("Over the budget", f"{engine} takes {told}, and {may}.", help_, impossible=True)
    there = {name: claims[name].whole_bytes for name in budget.members - {engine, *grant.victims} if name in claims}
    others = sorted((one for one in residents if one.engine in there), key=dearness)
    over = needs + sum(there.values()) - budget.bytes
    leaving: list[Resident] = []
    for one in others:
        if over > 0:
            leaving.append(one)
            over -= there[one.engine]
    for one in reversed(leaving):
        if over + there[one.engine] <= 0:
            leaving = [other for other in leaving if other is not one]
            over += there[one.engine]
    if not leaving:
        return grant
    if blocked := [one for one in leaving if stays_because(one)]:
        why = listed(f"{one.engine} ({size(there[one.engine])}) {stays_because(one)}" for one in blocked)
        names = tuple(one.engine for one in blocked)
        return Wait(f"P{may[1:]}; {why}.", f"Stop {listed(names)}, or raise `budget` of [pool.{budget.pool}].", names)
    placement = replace(grant.claim.placement, words=f"{grant.claim.placement.words}; {may}")
    victims = (*grant.victims, *(one.engine for one in leaving))
    return replace(grant, claim=replace(grant.claim, placement=placement), victims=victims)
