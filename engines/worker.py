"""The one thread that works, and its way to the loop: an appended queue with a single wake (0.1 µs a message)."""

from __future__ import annotations

import sys
import threading
import traceback
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from engines.bootstrap import Exit
from engines.contract import OutOfMemory
from ipc.errors import EngineRoomError, Problem
from ipc.work import Dying, FromChild


class Worker:
    """Does one job after the other in its own thread; what it says leaves through `deliver` on the loop.

    What may wait here is bounded by what the supervisor ordered. `ended` is called on the loop, once, when the
    thread is done: after `leave`, or because a job failed in a way no job may.
    """

    def __init__(
        self, loop: AbstractEventLoop, deliver: Callable[[FromChild], None], ended: Callable[[Exit], None]
    ) -> None:
        self.leaving = False
        self.progress = 0
        self.tokens = 0
        self.words = ""
        """What the engine says of itself just now."""
        self._loop = loop
        self._deliver = deliver
        self._ended = ended
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._said: deque[FromChild] = deque()
        self._waking = False

    # ── from any thread ───────────────────────────────────────────────────────────────────────────────────

    def say(self, message: FromChild) -> None:
        """Hand `message` to the loop; many said in a burst cost one wake."""
        self._said.append(message)
        if not self._waking:
            self._waking = True
            self._loop.call_soon_threadsafe(self._flush)

    # ── from the thread itself ────────────────────────────────────────────────────────────────────────────

    def step(self, tokens: int = 0) -> None:
        """One step of work was done, and so many tokens produced."""
        self.progress += 1
        self.tokens += tokens

    # ── from the loop ─────────────────────────────────────────────────────────────────────────────────────

    def start(self, close: Callable[[], None]) -> None:
        """Begin; `close` is the last job of all."""
        threading.Thread(target=self._work, args=(close,), name="worker", daemon=True).start()

    def submit(self, job: Callable[[], None]) -> None:
        """Do `job` after those submitted before."""
        self._jobs.put(job)

    def leave(self) -> None:
        """Begin no further job; close after the one under way."""
        self.leaving = True
        self._jobs.put(_nothing)

    def _flush(self) -> None:
        self._waking = False  # before the queue is looked at: what is said from now on wakes again
        while self._said:
            self._deliver(self._said.popleft())

    def _work(self, close: Callable[[], None]) -> None:
        try:
            while not self.leaving:
                self._jobs.get()()
            close()
            code = Exit.LEFT
        except BaseException as error:  # noqa: BLE001 (outermost of this thread: whatever it is ends the process)
            traceback.print_exc(file=sys.stderr)
            out_of_memory = isinstance(error, OutOfMemory | MemoryError)
            self.say(Dying(problem_of(error), out_of_memory))
            code = Exit.OUT_OF_MEMORY if out_of_memory else Exit.DIED
        self._loop.call_soon_threadsafe(self._ended, code)


def problem_of(error: BaseException) -> Problem:
    """The sentence for an error; one that carries none was never meant to leave."""
    match error:
        case EngineRoomError():
            return error.problem
        case MemoryError():
            return Problem("Out of memory", "The host's memory did not suffice.", "Use smaller settings.")
        case _:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Problem("Unexpected error", f"{what}.", "The traceback is in the engine's log.")


def _nothing() -> None:
    """A job that only wakes the thread."""
