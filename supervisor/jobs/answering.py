"""Requests of people as clients make them: asked of an engine or a pool, fed while they fly, left at any time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from ipc import control
from ipc.feeding import Fed
from supervisor.jobs.asks import Ask, Asks
from supervisor.jobs.floor import Floor
from supervisor.jobs.routes import Pools
from supervisor.jobs.submission import find_engine


class Answering:
    """Over the requests that the rest of the room flies; `advance` sets going what can go."""

    def __init__(self, floor: Floor, pools: Pools, asks: Asks, advance: Callable[[], None]) -> None:
        self._floor = floor
        self._pools = pools
        self._asks = asks
        self._advance = advance
        self._closed = False

    async def ask(
        self, engine: str, payload: str, fed: Fed | None = None
    ) -> AsyncIterator[control.Piece | control.Answered]:
        """One interactive unit, before any unit of a job, to an engine or a pool: pieces as they come, then the whole
        answer. What is fed goes to the engine.

        Leaving the iteration cancels the flight.

        Raises:
            RequestFailed: no such engine, it cannot be had, or the unit cannot be done.
            EngineDied: the engine died with it; the text so far is in the error.
        """
        kind, found = find_engine(self._floor, self._pools, engine)
        ask = Ask(kind, found.name, payload, fed)
        ask.fed.wake = partial(self.feed, ask)
        if found.name != engine:
            ask.through = engine, found.loaded
        self._asks.add(ask)
        self._advance()
        try:
            async for item in ask.items():
                yield item
        finally:
            unanswered = ask.flight is not None and not ask.over
            self._asks.withdraw(ask)
            if unanswered and ask.flight is not None:
                self._floor.cancel(ask.carrier, ask.flight)

    def feed(self, ask: Ask) -> None:
        """Hand on what was fed into a request that flies."""
        if ask.flight is not None and not self._closed:
            for feed in self._asks.feed(ask.flight):
                self._floor.feed(ask.carrier, feed)

    def close(self) -> None:
        """Nothing is handed on any more."""
        self._closed = True
