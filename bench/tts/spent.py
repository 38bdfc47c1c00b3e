"""What a piece of work took, as a child tells it to its parent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct


class Spent(Struct, frozen=True):
    """CPU seconds are those of all threads of the process. On a GPU, the most bytes that torch had in use and had
    taken from the driver meanwhile; None on a CPU."""

    cpu: float
    wall: float
    used_bytes: int | None = None
    reserved_bytes: int | None = None

    def seconds(self, device: str) -> float:
        """Those that count: of a CPU its own, on a GPU those that pass."""
        return self.wall if device == "cuda" else self.cpu


class Clock:
    """Laps of work on a device."""

    def __init__(self, device: str) -> None:
        self._torch: Any = None
        if device == "cuda":
            import torch

            self._torch = torch
        self._cpu = self._wall = 0.0
        self.lap()

    def lap(self) -> Spent:
        """Since the last one, all that was begun being done."""
        used = reserved = None
        if self._torch is not None:
            self._torch.cuda.synchronize()
            used = int(self._torch.cuda.max_memory_allocated())
            reserved = int(self._torch.cuda.max_memory_reserved())
            self._torch.cuda.reset_peak_memory_stats()
        cpu, wall = time.process_time(), time.perf_counter()
        spent = Spent(cpu - self._cpu, wall - self._wall, used, reserved)
        self._cpu, self._wall = cpu, wall
        return spent


def measured(device: str, work: Callable[[], None]) -> Spent:
    """What this took."""
    clock = Clock(device)
    work()
    return clock.lap()
