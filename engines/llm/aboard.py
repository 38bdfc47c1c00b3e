"""A flight in the engine: what of it still waits for a sequence, and when nothing of it is left."""

from __future__ import annotations

import time
from collections import deque

from engines.contract import Flight
from engines.llm.settings import LlmSettings


class Aboard:
    """`lanes` counts those that run or are suspended."""

    def __init__(self, flight: Flight, settings: LlmSettings) -> None:
        self.flight = flight
        self.settings = settings
        self.waiting = deque(flight.orders)
        self.lanes = 0
        self.began = time.perf_counter()
        self.exclusive = flight.deterministic and not flight.stream
        """Computed in the same batches whenever it is flown, so with nobody else in them and no help from caches."""

    def over(self) -> bool:
        """Whether it may land."""
        return not self.waiting and not self.lanes
