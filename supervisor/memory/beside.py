"""Whether a process may load beside the one whose place it is to take: both at once, and nobody leaves for it. Pure."""

from __future__ import annotations

from supervisor.memory.ask import Refusal
from supervisor.memory.claims import Claim
from supervisor.memory.decide import Grant, Verdict


def beside(both: Verdict, alone: Verdict) -> Verdict:
    """`both` is the verdict with the process at work still there, `alone` the one in its place.

    It has to be as good a load as it would be there: what is chosen now stays chosen once the other has gone.
    """
    if not isinstance(both, Grant):
        return both
    if both.victims:
        return _refused(f"{' and '.join(both.victims)} would have to leave")
    if not isinstance(alone, Grant) or not _as_good(both.claim, alone.claim):
        return _refused("it would get less than in the other's place")
    return both


def _as_good(one: Claim, other: Claim) -> bool:
    mine, its = one.placement, other.placement
    return (
        (one.option, one.threads, mine.on_gpu) == (other.option, other.threads, its.on_gpu)
        and bool(mine.slices) == bool(its.slices)
        and len(mine.slices) <= len(its.slices)
    )


def _refused(why: str) -> Refusal:
    return Refusal("No room beside", f"Both do not fit at once: {why}.", "", impossible=False)
