"""A flight in the child's runtime: what the engine reports of it becomes messages."""

from __future__ import annotations

import threading

from engines.worker import Worker
from ipc.errors import Problem
from ipc.work import Fly, Landed, Piece, UnitDone, UnitFailed, UnitOrder

RESULT_BYTES = 64 * 1024


class AirborneFlight:
    """The `Flight` that an engine gets. Each order ends once, or never when the flight is cancelled."""

    def __init__(self, message: Fly, worker: Worker) -> None:
        self.id = message.flight
        self.orders = message.units
        self.stream = message.stream
        self.deterministic = message.deterministic
        self._worker = worker
        self._cancelled = False
        self._claim = threading.Lock()
        self._open = {(order.job, order.index) for order in message.units}

    def claim(self) -> bool:
        """True for one caller only: the worker that begins the flight, or the loop that cancels it before."""
        return self._claim.acquire(blocking=False)

    def cancel(self) -> None:
        """Stop within one step."""
        self._cancelled = True

    def land(self) -> None:
        """Nothing of it is running any more.

        Raises:
            RuntimeError: the engine left orders open without being told to stop.
        """
        if self._open and not self._cancelled:
            raise RuntimeError(f"the engine ended a flight with {len(self._open)} of {len(self.orders)} units open")
        self._worker.say(Landed(self.id))

    def cancelled(self) -> bool:
        """Whether to stop within this step."""
        return self._cancelled

    def piece(self, order: UnitOrder, text: str) -> None:
        """The next whole characters."""
        self._worker.say(Piece(self.id, order.job, order.index, text))

    def done(self, order: UnitOrder, result: str, *, tokens: int, seconds: float, ttft_seconds: float | None) -> None:
        """The unit's result; one over the limit fails the unit, for the engine is well."""
        size = len(result.encode())
        if size > RESULT_BYTES:
            self.failed(
                order,
                Problem(
                    "Result too long",
                    f"The result has {size:,} bytes, over the limit of {RESULT_BYTES:,}.",
                    "Ask for a shorter one.",
                ),
            )
            return
        self._close(order)
        self._worker.say(UnitDone(self.id, order.job, order.index, result, tokens, seconds, ttft_seconds))

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        """The unit cannot be done."""
        self._close(order)
        self._worker.say(UnitFailed(self.id, order.job, order.index, problem))

    def _close(self, order: UnitOrder) -> None:
        self._worker.step()
        self._open.remove((order.job, order.index))  # a second end is the engine's mistake: KeyError, and it dies
