"""The loop: whatever the units in the air need next is computed in one batch, then each draws its next token.

Continuous batching: flights come aboard and units leave between any two steps. A person gets a sequence at once; where
none is free, a unit of a job is suspended with the bytes of its cache, and later goes on exactly where it was. A flight
that must repeat to the byte (`Aboard.exclusive`) is computed alone, and stands still while people are answered.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence

from engines.contract import Report, Sky
from engines.llm.aboard import Aboard
from engines.llm.asked import Asking
from engines.llm.batch import Stretch
from engines.llm.caches import Caches
from engines.llm.context import Context, free_bytes
from engines.llm.lane import Lane
from engines.llm.pace import Pace
from engines.llm.ranks import moves
from engines.llm.settings import LlmSettings
from engines.llm.turns import share
from engines.llm.vocabulary import Vocabulary
from ipc.errors import RequestFailed
from ipc.work import UnitOrder

_WAITS = "a deterministic job waits for people"


class Batching:
    """All that works with one context; `asking` and `caches` outlast the flights."""

    def __init__(
        self,
        context: Context,
        vocabulary: Vocabulary,
        asking: Asking,
        caches: Caches,
        settings: LlmSettings,
        report: Report,
    ) -> None:
        self._context, self._vocabulary, self._asking, self._caches = context, vocabulary, asking, caches
        self._settings, self._report = settings, report
        self._pace = Pace()
        self._people: list[Aboard] = []
        self._jobs: list[Aboard] = []
        self._running: list[Lane] = []
        """In order of sequences."""
        self._suspended: list[Lane] = []
        self._lanes: list[Lane] = []
        """Those of the running that compute now."""
        self._begun = 0
        self._changed = False
        """Whether somebody came or went since the sequences were given out."""
        self._told = ""
        """What was last said to people who look at the engine."""
        self._steady = False
        """Whether the next batch has one token of each lane, as the last had."""

    def fly(self, sky: Sky) -> None:
        """Work until no flight waits and none is aboard.

        Raises:
            OutOfMemory
        """
        try:
            while self._advance(sky):
                pass
        except BaseException:
            self._drop((*self._running, *self._suspended))
            self._people, self._jobs, self._lanes = [], [], []
            self._caches.forget()  # nobody knows how far the last batch came
            self._tell()
            raise

    def retune(self, settings: LlmSettings) -> None:
        """Take settings that apply at once; what repeats to the byte keeps those that it began with."""
        self._settings = settings
        for aboard in (*self._people, *self._jobs):
            if not aboard.exclusive:
                aboard.settings = settings
        for lane in (*self._running, *self._suspended):
            if not lane.aboard.exclusive:
                lane.retune(settings)

    # ── who is aboard ─────────────────────────────────────────────────────────────────────────────────────

    def _advance(self, sky: Sky) -> bool:
        """One step; False once nothing is left to do."""
        sky.attend()
        while (flight := sky.board()) is not None:
            (self._people if flight.stream else self._jobs).append(Aboard(flight, self._settings))
            self._changed = True
        for aboard in (*self._people, *self._jobs):
            if aboard.flight.cancelled():
                aboard.waiting.clear()
                self._drop([lane for lane in (*self._running, *self._suspended) if lane.aboard is aboard])
                self._changed = True
        if self._changed:
            self._settle(sky)
        if self._lanes:
            self._step()
        return bool(self._lanes or self._people or self._jobs)

    def _settle(self, sky: Sky) -> None:
        """Give sequences out, and land what is over, until nothing more follows from that."""
        self._changed = self._steady = False
        self._seat()
        while self._land(sky):
            self._seat()
        self._lanes = [lane for lane in self._running if lane.person or not self._stands_still(lane.aboard)]
        self._close_ranks()
        self._tell()

    def _tell(self) -> None:
        """Once a deterministic job stands still for people, and once it goes on."""
        words = _WAITS if self._jobs and self._stands_still(self._jobs[0]) else ""
        if words != self._told:
            self._told = words
            self._report.say(words)

    def _land(self, sky: Sky) -> bool:
        over = [aboard for aboard in (*self._people, *self._jobs) if aboard.over()]
        for aboard in over:
            (self._people if aboard.flight.stream else self._jobs).remove(aboard)
            sky.land(aboard.flight)
        return bool(over)

    def _stands_still(self, aboard: Aboard) -> bool:
        """While people are answered; one who only waits for its units to end must not stop them."""
        return aboard.exclusive and any(person.lanes for person in self._people)

    # ── who has a sequence ────────────────────────────────────────────────────────────────────────────────

    def _seat(self) -> None:
        """People first; then suspended units, and jobs in their order up to one that must be alone."""
        for aboard in self._people:
            while aboard.waiting and self._room_for_a_person():
                self._begin(aboard, aboard.waiting.popleft())
        if not self._jobs or self._stands_still(self._jobs[0]):
            return
        while self._suspended and self._caches.any_free():
            self._resume(self._suspended.pop(0))
        for at, aboard in enumerate(self._jobs):
            if aboard.exclusive and at:
                return
            while aboard.waiting and self._caches.any_free():
                self._begin(aboard, aboard.waiting.popleft())
            if aboard.exclusive:
                return

    def _room_for_a_person(self) -> bool:
        """Whether a sequence is free now; of the units of jobs the one with the least bytes is suspended for it.

        Not where host memory is short: then people wait until a unit ends.
        """
        if self._caches.any_free():
            return True
        of_jobs = [lane for lane in self._running if not lane.person]
        least = min(of_jobs, key=lambda lane: lane.position, default=None)
        # No ledger knows of these bytes: as many stay free beside them.
        if least is None or 2 * self._context.state_bytes(least.sequence) >= free_bytes():
            return False
        self._suspend(least)
        return True

    def _begin(self, aboard: Aboard, order: UnitOrder) -> None:
        try:
            asked = self._asking.asked(order, aboard.settings)
        except RequestFailed as error:
            aboard.flight.failed(order, error.problem)
            return
        if aboard.exclusive:
            sequence, cached = self._caches.claim_empty(), 0
        else:
            sequence, cached = self._caches.claim(asked.prompt)
        self._begun += 1
        try:
            lane = Lane(self._begun, asked, aboard, self._vocabulary, sequence)
        except RequestFailed as error:
            self._caches.leave(sequence, asked.prompt[:cached])
            aboard.flight.failed(order, error.problem)
            return
        if asked.shared is not None and not aboard.exclusive and self._caches.prefixes.may_hold(asked.shared.tokens):
            lane.shared = asked.shared
        lane.found(cached)
        insort(self._running, lane, key=_sequence)
        aboard.lanes += 1

    def _suspend(self, lane: Lane) -> None:
        lane.state = self._context.state(lane.sequence) if lane.position else bytearray()
        self._running.remove(lane)
        self._suspended.append(lane)
        self._caches.leave(lane.sequence, lane.tokens[: lane.position])

    def _resume(self, lane: Lane) -> None:
        """In the sequence where it was, if that is free: what repeats to the byte finds it so, as it is alone."""
        assert lane.state is not None
        free = self._caches.free
        sequence = lane.sequence if lane.sequence in free else min(free)
        self._caches.claim_this(sequence)
        self._put(lane, sequence, lane.state)
        insort(self._running, lane, key=_sequence)

    def _close_ranks(self) -> None:
        for old, new in moves([lane.sequence for lane in self._lanes], self._caches.free):
            lane = next(lane for lane in self._lanes if lane.sequence == old)
            self._caches.claim_this(new)
            self._put(lane, new, self._context.state(old))
            self._caches.leave(old, ())
            self._context.forget(old)
        self._running.sort(key=_sequence)
        self._lanes.sort(key=_sequence)

    def _put(self, lane: Lane, sequence: int, state: bytearray) -> None:
        """Raises RuntimeError: the library did not take its own bytes."""
        self._context.forget(sequence)
        if lane.position and not self._context.restore(sequence, state, lane.position):
            raise RuntimeError("llama.cpp did not take the state of a sequence back")
        lane.sequence, lane.state = sequence, None

    def _drop(self, lanes: Iterable[Lane]) -> None:
        """They are over: what they computed stays in their caches until somebody needs the room."""
        for lane in lanes:
            lane.close()
            lane.aboard.lanes -= 1
            if lane in self._suspended:
                self._suspended.remove(lane)
            else:
                self._running.remove(lane)
                conversation = len(lane.asked.prompt) if lane.person and lane.finish else 0
                self._caches.leave(lane.sequence, lane.tokens[: lane.position], conversation=conversation)

    # ── one step ──────────────────────────────────────────────────────────────────────────────────────────

    def _step(self) -> None:
        lanes = self._lanes
        if self._steady:
            self._context.advance([lane.tokens[-1] for lane in lanes], [lane.position for lane in lanes])
            for lane in lanes:
                lane.position += 1
            self._draw(lanes, range(len(lanes)))
            return
        turns = share(lanes, self._context.capacity, self._pace.room())
        with self._pace.over(sum(len(stretch.tokens) for _, stretch in turns)):
            outputs = self._context.compute([stretch for _, stretch in turns], self._stop)
        if outputs is None:
            self._take_back(turns)
            return
        for lane, stretch in turns:
            lane.position += len(stretch.tokens)
        self._hand_on([lane for lane, _ in turns if lane.shared and lane.position == len(lane.shared.tokens)])
        self._steady = len(turns) == len(lanes) and all(len(one.tokens) == 1 and one.sample for _, one in turns)
        self._draw([lane for lane, stretch in turns if stretch.sample], outputs)

    def _draw(self, lanes: Sequence[Lane], outputs: Sequence[int]) -> None:
        """Each draws its token; then all that was written leaves together, for each word wakes the other thread."""
        pointer = self._context.pointer
        spoken, over, before = [], False, 0
        for lane, at in zip(lanes, outputs, strict=True):
            before -= lane.written
            text = lane.draw(pointer, at)
            before += lane.written
            if text and lane.person:
                spoken.append((lane, text))
            over = over or lane.over
        for lane, text in spoken:
            lane.aboard.flight.piece(lane.order, text)
        self._report.tokens(before)
        if over:
            self._end([lane for lane in lanes if lane.over])

    def _end(self, lanes: Sequence[Lane]) -> None:
        self._drop(lanes)
        self._changed = True
        for lane in lanes:
            if lane.problem is not None:
                lane.aboard.flight.failed(lane.order, lane.problem)
                continue
            lane.aboard.flight.done(
                lane.order,
                lane.result(),
                tokens=lane.written,
                seconds=lane.seconds(),
                ttft_seconds=lane.ttft_seconds,
            )

    def _hand_on(self, lanes: Iterable[Lane]) -> None:
        """They computed a part that others may wait for; where it cannot be saved, those compute it each for itself."""
        for lane in lanes:
            shared, lane.shared = lane.shared, None
            assert shared is not None
            saved = self._caches.keep(lane.sequence, shared.tokens)
            for other in self._lanes:
                if other.shared is not shared:
                    continue
                if not saved:
                    other.shared = None
                elif not other.position:
                    other.found(self._caches.fill(other.sequence, other.tokens))

    def _stop(self) -> bool:
        """Asked by the library within a long batch."""
        self._report.step()
        return any(lane.aboard.flight.cancelled() for lane in self._lanes)

    def _take_back(self, turns: Iterable[tuple[Lane, Stretch]]) -> None:
        """Nobody knows how far a stopped batch came: all go back to where they were before it."""
        for lane, _ in turns:
            if not self._context.cut(lane.sequence, lane.position):
                lane.position = 0


def _sequence(lane: Lane) -> int:
    return lane.sequence
