"""Where a load goes, and why: pure, by what the GPUs and the host have free at this moment.

GPUs that the operator named, or that the process already sits on, are the only ones that count. Of those, the one with
the most free memory takes it; one with a display only where no other has room; several only where no single one has.
An engine that is to be on a GPU never slips to the CPU by itself, unless its settings say "as many pieces as fit".
"""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.memory.ask import Ask, Placement, Refusal, Slice
from supervisor.memory.fleet import GpuRoom, HostRoom
from supervisor.memory.refusing import refuse
from supervisor.memory.seat import seated

__all__ = ["Ask", "Placement", "Refusal", "Slice", "place"]


def place(ask: Ask, gpus: Sequence[GpuRoom], host: HostRoom) -> Placement | Refusal:
    """The placement, or why there is none and what would help."""
    return seated(ask, gpus, host) or refuse(ask, gpus, host)
