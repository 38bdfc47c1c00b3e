"""Interactive requests: one unit each, flown before any unit of a job, streamed, never stored and never repeated."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from itertools import islice

import anyio

from ipc import control, work
from ipc.errors import EngineDied, EngineRoomError, Problem, RequestFailed
from ipc.feeding import Fed
from supervisor.jobs.job import Numbers

UNREAD_CHARACTERS = 64 * 2**10
"""While the client has not taken so much of the answer, it may feed no more."""
KEPT_CHARACTERS = 2**20
"""The end of the answer so far, kept for a death of the engine; one that is fed can go on for days."""


class Ask:
    """One request, from the question to its answer, and what is fed into it meanwhile."""

    def __init__(self, kind: str, engine: str, payload: str, fed: Fed | None = None) -> None:
        self.kind = kind
        self.engine = engine
        self.payload = payload
        self.fed = fed or Fed()
        self.carrier = engine
        """Where it flies, if it does: the engine, or a former process of it."""
        self.flight: int | None = None
        """None until it flies."""
        self.through: tuple[str, bool] | None = None
        """The pool that it came to, and whether its engine was loaded then; None where it came to none."""
        self.left = False
        """Nobody waits for it any more."""
        self._kept: deque[str] = deque()
        """What the client was given."""
        self._kept_characters = 0
        self._unread = ""
        self._taken_bytes = 0
        self._owed_bytes = 0
        """Taken, and not yet granted again."""
        self._outcome: control.Answered | EngineRoomError | None = None
        self._wake = anyio.Event()

    @property
    def over(self) -> bool:
        """Whether its outcome is known."""
        return self._outcome is not None

    @property
    def untouched(self) -> bool:
        """Whether nothing of an answer has come, so that it can be asked again unnoticed."""
        return not (self.over or self.left or self._unread or self._kept or self._taken_bytes)

    def add(self, text: str) -> None:
        """The next characters."""
        if self.left:
            return
        self._unread += text
        self._wake.set()

    def took(self, count: int) -> None:
        """The engine read so many bytes of what was fed."""
        self.fed.drop(count)
        self._taken_bytes += count
        self._owed_bytes += count
        self._grant()

    def settle(self, outcome: control.Answered | EngineRoomError) -> None:
        """How it ended; what comes later is ignored."""
        if self._outcome is None and not self.left:
            self._outcome = outcome
            self._wake.set()

    def died(self, cause: str) -> None:
        """The engine is gone."""
        problem = Problem("Engine died", f"{cause}.", "Ask again.")
        self.settle(EngineDied(problem, "".join(self._kept) + self._unread))

    def leave(self) -> None:
        """Nobody waits for it any more: what it holds is let go at once, whoever still holds it."""
        self.left = True
        self.fed.close()
        self._kept.clear()
        self._unread = ""
        self._outcome = None  # an error that was raised holds the frames it passed, and they the request

    async def items(self) -> AsyncIterator[control.Piece | control.Answered]:
        """Pieces as they come, several at once for a slow reader, then the whole answer. Raises as `Answering.ask`."""
        while True:
            if self._unread:
                text, self._unread = self._unread, ""
                self._keep(text)
                self._grant()
                yield control.Piece(text)
            elif isinstance(self._outcome, control.Answered):
                yield self._outcome
                return
            elif self._outcome is not None:
                raise self._outcome
            else:
                self._wake = anyio.Event()
                await self._wake.wait()

    def _keep(self, text: str) -> None:
        self._kept.append(text)
        self._kept_characters += len(text)
        while self._kept_characters - len(self._kept[0]) >= KEPT_CHARACTERS:
            self._kept_characters -= len(self._kept.popleft())

    def _grant(self) -> None:
        if self._owed_bytes and len(self._unread) < UNREAD_CHARACTERS:
            owed, self._owed_bytes = self._owed_bytes, 0
            self.fed.grant(owed)


class Asks:
    """All that wait or fly, first come first served on each engine."""

    def __init__(self, numbers: Numbers) -> None:
        """`numbers` gives each flight its own."""
        self._numbers = numbers
        self._waiting: deque[Ask] = deque()
        self._flying: dict[int, Ask] = {}

    def flying(self) -> set[str]:
        """The engines that answer one."""
        return {ask.carrier for ask in self._flying.values()}

    def wanted(self) -> set[str]:
        """The engines that one waits for."""
        return {ask.engine for ask in self._waiting}

    def kinds(self) -> set[str]:
        """The kinds of those engines."""
        return {ask.kind for ask in self._waiting}

    def add(self, ask: Ask) -> None:
        """A new request."""
        self._waiting.append(ask)

    def aloft(self, engine: str) -> int:
        """How many the engine answers."""
        return sum(ask.carrier == engine for ask in self._flying.values())

    def begin(self, engine: str, most: int, *, deterministic: bool) -> list[work.Fly]:
        """Flights of those that wait longest for `engine`, until it answers `most`."""
        room = most - self.aloft(engine)
        chosen = list(islice((ask for ask in self._waiting if ask.engine == engine), max(0, room)))
        return [self._send(ask, deterministic=deterministic) for ask in chosen]

    def _send(self, ask: Ask, *, deterministic: bool) -> work.Fly:
        self._waiting.remove(ask)
        ask.flight, ask.carrier = self._numbers.next(), ask.engine
        self._flying[ask.flight] = ask
        order = work.UnitOrder("", 0, ask.payload)
        return work.Fly(ask.flight, (order,), stream=True, deterministic=deterministic)

    def through(self, flight: int) -> tuple[str, bool] | None:
        """The pool of what has begun to fly, and whether its engine was loaded; told once of each request."""
        ask = self._flying[flight]
        through, ask.through = ask.through, None
        return through

    def handed_over(self, engine: str, former: str) -> None:
        """What the engine answers goes on as `former`."""
        for ask in self._flying.values():
            if ask.carrier == engine:
                ask.carrier = former

    def withdraw(self, ask: Ask) -> None:
        """Nobody waits for it any more; if it flies, it still lands."""
        ask.leave()
        if ask in self._waiting:
            self._waiting.remove(ask)

    def refuse(self, engine: str, why: str) -> None:
        """The engine cannot be had."""
        for ask in [ask for ask in self._waiting if ask.engine == engine]:
            self._waiting.remove(ask)
            ask.settle(RequestFailed(Problem("Engine unavailable", f"{why}.", "")))

    def said(self, message: work.Piece | work.Took | work.UnitDone | work.UnitFailed | work.Landed) -> bool:
        """Whether the message was about one of them."""
        ask = self._flying.get(message.flight)
        if ask is None:
            return False
        match message:
            case work.Piece():
                ask.add(message.text)
            case work.Took():
                ask.took(message.count)
            case work.UnitDone():
                ask.settle(control.Answered(message.result, message.tokens, message.seconds, message.ttft_seconds))
            case work.UnitFailed():
                ask.settle(RequestFailed(message.problem))
            case work.Landed():
                del self._flying[message.flight]
                if ask.untouched:  # a drain took its engine away before it began
                    ask.flight = None
                    ask.fed.again()
                    self._waiting.appendleft(ask)
                    return True
                ask.settle(
                    RequestFailed(
                        Problem("Interrupted", f"{ask.engine} had to stop before the answer was whole.", "Ask again.")
                    )
                )
        return True

    def feed(self, flight: int) -> list[work.Feed]:
        """What was fed into the request of that flight and not sent yet."""
        ask = self._flying.get(flight)
        if ask is None or (fresh := ask.fed.fresh()) is None:
            return []
        return [work.Feed(flight, *fresh)]

    def lost(self, flight: int, cause: str) -> bool:
        """Whether the flight was one of them; its text so far goes with the error."""
        ask = self._flying.pop(flight, None)
        if ask is None:
            return False
        ask.died(cause)
        return True
