"""Is the GPU really used? What a ready engine holds there and does there, against what was expected of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EMPTY_SECONDS: Final = 5.0
"""The driver's count of a process's memory may lag behind its load, not for so long."""
IDLE_SECONDS: Final = 10.0
IDLE_PERCENT: Final = 2.0
"""A desktop or another reader of the GPU makes so much; a model at work makes more."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One ready engine at one moment."""

    at: float
    """Monotonic seconds."""
    placed_bytes_held: int | None
    """On the GPUs it was placed on, all together."""
    claimed_bytes: int
    """There, too; 0 where it was placed on the CPU."""
    layers_asked: int | None
    layers_on_gpu: int | None
    gpu_utilisation: float | None
    """In percent, of the busiest GPU it was placed on."""
    busy: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What was observed since its model was loaded."""

    last: Observation | None = None
    empty_since: float | None = None
    idle_since: float | None = None
    """Busy since then without a pause, and the GPU never was."""

    def observed(self, now: Observation) -> Usage:
        """With one more observation; what is unknown ends a suspicion."""
        on_gpu = now.claimed_bytes > 0
        empty = on_gpu and now.placed_bytes_held == 0
        idle = on_gpu and now.busy and now.gpu_utilisation is not None and now.gpu_utilisation <= IDLE_PERCENT
        return Usage(now, _since(self.empty_since, empty, now.at), _since(self.idle_since, idle, now.at))

    def alarms(self) -> tuple[tuple[str, str], ...]:
        """Words of alarms, each with its sentence, to which the engine's name is the beginning."""
        now = self.last
        if now is None:
            return ()
        found: list[tuple[str, str]] = []
        if self.empty_since is not None and now.at - self.empty_since >= EMPTY_SECONDS:
            found.append(
                ("not-on-gpu", "holds no memory on the GPU it was placed on: its model is in the host's memory.")
            )
        if now.layers_asked is not None and now.layers_on_gpu is not None and now.layers_on_gpu < now.layers_asked:
            text = f"has {now.layers_on_gpu} layers on the GPU, and {now.layers_asked} were asked for."
            found.append(("fewer-layers", text))
        if self.idle_since is not None and now.at - self.idle_since >= IDLE_SECONDS:
            found.append(
                ("gpu-idle", f"is busy while its GPU idles: at most {IDLE_PERCENT:.0f} % for 10 s and longer.")
            )
        return tuple(found)


def _since(before: float | None, so_now: bool, at: float) -> float | None:
    if not so_now:
        return None
    return at if before is None else before
