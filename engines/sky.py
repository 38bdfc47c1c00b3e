"""The flights of one engine: those that wait to begin, those for people first, and changes that need no pause."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from engines.contract import Flight
from engines.flight import AirborneFlight


class Flights:
    """The `Sky` that an engine gets. The loop adds and cancels; the worker boards, lands and attends."""

    def __init__(self) -> None:
        self._known: dict[int, AirborneFlight] = {}
        self._for_people: deque[AirborneFlight] = deque()
        self._for_jobs: deque[AirborneFlight] = deque()
        self._changes: deque[Callable[[], None]] = deque()
        self._news = threading.Event()

    # ── on the loop ───────────────────────────────────────────────────────────────────────────────────────

    def add(self, flight: AirborneFlight) -> None:
        """It may begin at any time from now on."""
        self._known[flight.id] = flight
        (self._for_people if flight.stream else self._for_jobs).append(flight)
        self._news.set()

    def feed(self, number: int, data: bytes, end: bool) -> None:
        """More for a flight; one that has just landed needs none."""
        if (flight := self._known.get(number)) is not None:
            flight.feed(data, end)
            self._news.set()

    def change(self, change: Callable[[], None]) -> None:
        """Do it between two steps, or when `attend` is called next."""
        self._changes.append(change)
        self._news.set()

    def cancel(self, number: int) -> None:
        """End it within one step; one that has just landed is none any more."""
        if (flight := self._known.get(number)) is not None:
            flight.cancel()
            self._news.set()
            if flight.claim():  # not begun, and now it never will
                self.land(flight)

    def cancel_all(self) -> None:
        """End every flight within one step."""
        for number in list(self._known):
            self.cancel(number)

    # ── on the worker ─────────────────────────────────────────────────────────────────────────────────────

    def board(self) -> AirborneFlight | None:
        """The next flight that waits."""
        for waiting in (self._for_people, self._for_jobs):
            while waiting:
                flight = waiting.popleft()
                if flight.claim():
                    return flight
        return None

    def land(self, flight: Flight) -> None:
        """Nothing of it is running any more.

        Raises:
            RuntimeError: the engine left orders open without being told to stop.
        """
        self._known.pop(flight.id).land()

    def attend(self) -> None:
        """Make the changes that wait."""
        while self._changes:
            self._changes.popleft()()

    def rest(self, seconds: float) -> None:
        """Until there is news, at most so long."""
        self._news.wait(seconds)
        self._news.clear()  # whoever rested looks at everything afterwards
