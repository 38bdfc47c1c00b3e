"""One flight of the fake engine: its units take turns, the one whose word is due first."""

from __future__ import annotations

import heapq
import math

from engines.contract import Flight, Report
from engines.fake.echo import Echo
from engines.fake.lane import Lane
from engines.fake.settings import FakeSettings
from engines.fake.unit import echoes
from ipc.errors import RequestFailed


class Aloft:
    """Fails the orders that hold no unit."""

    def __init__(self, flight: Flight, settings: FakeSettings) -> None:
        self.flight = flight
        self._lanes: list[Lane | Echo] = []
        for order in flight.orders:
            try:
                self._lanes.append(Echo(order) if echoes(order.payload) else Lane(order, settings))
            except RequestFailed as error:
                flight.failed(order, error.problem)
        self._queue = [(lane.due, number) for number, lane in enumerate(self._lanes)]
        heapq.heapify(self._queue)

    def over(self) -> bool:
        """Whether nothing of it is left to do."""
        return not self._queue or self.flight.cancelled()

    def due(self) -> float:
        """When its next word is ready (monotonic seconds)."""
        return self._queue[0][0] if self._queue else -math.inf

    def advance(self, report: Report) -> bool:
        """Say the word that is due; whether its unit ended thereby. Raises OutOfMemory."""
        _, number = heapq.heappop(self._queue)
        lane = self._lanes[number]
        if lane.advance(self.flight, report):
            heapq.heappush(self._queue, (lane.due, number))
            return False
        return True
