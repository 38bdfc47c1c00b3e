"""What a change or a load would take and free, as decided now and not yet done."""

from __future__ import annotations

from dataclasses import dataclass

from ipc.snapshot import Applies
from supervisor.memory.claims import Claim
from supervisor.memory.decide import Grant, Verdict


@dataclass(frozen=True, slots=True)
class Room:
    """The verdict, what the engine holds now, and what those hold who would leave."""

    verdict: Verdict
    applies: Applies
    """`process` where there is room only for another process, whatever the change itself asks for."""
    held_bytes: int
    """On GPUs, or in the host's memory where it was placed on none; measured or claimed, the larger."""
    gpus: tuple[int, ...]
    """Indexes of those it would be on."""
    free_bytes: int | None
    """Where it would go, without what it takes."""
    before: Claim | None
    """The claim that it holds now."""
    leaving_bytes: dict[str, int]
    """By engine that would be unloaded."""
    load_seconds: float | None = None
    """What such a load took last."""
    beside: Grant | None = None
    """For a change that takes another process: room for it beside the one at work; None where both do not fit."""
