"""A flight in the child's runtime: what the engine reports of it becomes messages."""

from __future__ import annotations

import sys
import threading
from collections import deque
from pathlib import Path

from engines import resultfile
from engines.resultfile import RESULT_BYTES
from engines.worker import Worker
from ipc.errors import Problem
from ipc.work import Fly, Landed, Piece, Took, UnitDone, UnitFailed, UnitOrder

ANSWER_BYTES = 4 * 1024 * 1024
"""What a person is answered is kept nowhere: it only has to fit a message."""

_RETRY_STEPS = 4
_STEP_SECONDS = 0.25
"""A file that the disk did not take is tried again after so many steps of so long."""


class AirborneFlight:
    """The `Flight` that an engine gets. Each order ends once, or never when the flight is cancelled."""

    def __init__(self, message: Fly, worker: Worker) -> None:
        self.id = message.flight
        self.orders = message.units
        self.stream = message.stream
        self.deterministic = message.deterministic
        self._worker = worker
        self._cancelled = threading.Event()
        self._claim = threading.Lock()
        self._meal: deque[bytes] = deque()
        """Fed and not yet read: bounded by what the supervisor lets in."""
        self._all_fed = False
        self._open = {(order.job, order.index) for order in message.units}

    def claim(self) -> bool:
        """True for one caller only: the worker that begins the flight, or the loop that cancels it before."""
        return self._claim.acquire(blocking=False)

    def cancel(self) -> None:
        """Stop within one step."""
        self._cancelled.set()

    def feed(self, data: bytes, end: bool) -> None:
        """More from the person."""
        self._meal.append(data)
        self._all_fed = end

    def land(self) -> None:
        """Nothing of it is running any more.

        Raises:
            RuntimeError: the engine left orders open without being told to stop.
        """
        if self._open and not self._cancelled.is_set():
            raise RuntimeError(f"the engine ended a flight with {len(self._open)} of {len(self.orders)} units open")
        self._worker.say(Landed(self.id))

    def cancelled(self) -> bool:
        """Whether to stop within this step."""
        return self._cancelled.is_set()

    def fed(self) -> tuple[bytes, bool]:
        """What came since the last call, and whether that was all; who waits for a person is at work."""
        self._worker.step()
        end = self._all_fed  # before the rest is looked at: all of it lies there then
        pieces = [self._meal.popleft() for _ in range(len(self._meal))]
        data = b"".join(pieces)
        if data:
            self._worker.say(Took(self.id, len(data)))
        return data, end

    def piece(self, order: UnitOrder, text: str) -> None:
        """The next whole characters."""
        self._worker.say(Piece(self.id, order.job, order.index, text))

    def done(
        self,
        order: UnitOrder,
        result: str,
        *,
        tokens: int,
        seconds: float,
        ttft_seconds: float | None,
        audio_seconds: float | None = None,
        confidence: float | None = None,
        data: bytes | None = None,
    ) -> None:
        """The unit's result; one that cannot be kept fails the unit, for the engine is well.

        Waits while the disk does not take the file. Cancelled meanwhile, it leaves the unit open.
        """
        text = result.encode()
        limit = ANSWER_BYTES if self.stream and not order.file else RESULT_BYTES
        if (problem := _unkept(order, len(text), limit, data)) is not None:
            self.failed(order, problem)
            return
        digest, content = "", data
        if content is None and len(text) > limit:
            result, content = "", text
        if content is not None and not (digest := self._written(Path(order.file), content)):
            return
        self._close(order)
        size = 0 if content is None else len(content)
        self._worker.say(
            UnitDone(
                self.id,
                order.job,
                order.index,
                result,
                tokens,
                seconds,
                ttft_seconds,
                audio_seconds,
                digest,
                size,
                confidence,
            )
        )

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        """The unit cannot be done."""
        self._close(order)
        self._worker.say(UnitFailed(self.id, order.job, order.index, problem))

    def _written(self, path: Path, content: bytes) -> str:
        """Its digest; empty where the flight was cancelled before the disk took it."""
        said = False
        while True:
            try:
                return resultfile.write(path, content)
            except OSError as error:
                if not said:
                    sys.stderr.write(f"a result waits for the disk: {path}: {error.strerror}\n")
                    sys.stderr.flush()
                    said = True
            if not self._pause():
                return ""

    def _pause(self) -> bool:
        """Whether to try again: not once the flight is cancelled."""
        for _ in range(_RETRY_STEPS):
            self._worker.step()  # a full disk is no fault of the engine: it must not count as hung
            if self._cancelled.wait(_STEP_SECONDS):
                return False
        return True

    def _close(self, order: UnitOrder) -> None:
        self._worker.step()
        self._open.remove((order.job, order.index))  # a second end is the engine's mistake: KeyError, and it dies


def _unkept(order: UnitOrder, size: int, limit: int, data: bytes | None) -> Problem | None:
    """Why a result with a text of so many bytes can be kept nowhere; without a file it may have up to `limit`."""
    too_long = f"The result has {size:,} bytes, over the limit of {limit:,}"
    if size > limit and data is not None:
        return Problem("Result too long", f"{too_long} beside a file.", "Divide the source into smaller units.")
    if order.file:
        return None
    if size > limit:
        return Problem("Result too long", f"{too_long}.", "Ask for a shorter one.")
    if data is not None:
        return Problem("Result is a file", "Its answer is a file, which cannot be sent here.", "Submit it as a job.")
    return None
