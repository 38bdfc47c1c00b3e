"""One unit of the fake engine that says what it is fed, as it is fed, until it hears that this was all."""

from __future__ import annotations

import time

from engines.contract import Flight, Report
from engines.fake.unit import Result, result_of
from ipc.work import UnitOrder

_LOOK_SECONDS = 0.01


class Echo:
    """Its answer is all that was fed."""

    def __init__(self, order: UnitOrder) -> None:
        self._order = order
        self._start = time.monotonic()
        self._looked = self._start
        self._heard = b""

    @property
    def due(self) -> float:
        """When it looks again."""
        return self._looked + _LOOK_SECONDS

    def advance(self, flight: Flight, report: Report) -> bool:
        """Say what came; whether more is to follow."""
        self._looked = time.monotonic()
        data, end = flight.fed()
        if data:
            self._heard += data
            flight.piece(self._order, data.decode(errors="replace"))
            report.tokens(1)
        if end:
            answer = self._heard.decode(errors="replace")
            flight.done(
                self._order,
                result_of([Result(answer, len(answer.split()), 0, "stop")]),
                tokens=len(answer.split()),
                seconds=time.monotonic() - self._start,
                ttft_seconds=None,
            )
        return not end
