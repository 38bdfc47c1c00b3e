"""What is in the air: the texts of all flights that wait for a vector, each computed once, whoever wants it."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engines.contract import Flight
from engines.embed import batches, unit
from engines.embed.cache import Floats, VectorCache, key_of
from engines.embed.encoder import Encoder, Tokens
from engines.flight import ANSWER_BYTES
from ipc.errors import Problem, RequestFailed
from ipc.work import UnitOrder

_WINDOW = 1024
"""Among so many waiting texts company is looked for; to sort more would take longer than it gains."""


@dataclass(eq=False)
class _Unit:
    """One order under way."""

    trip: Trip
    order: UnitOrder
    vectors: Floats
    open: int
    """Texts that have no vector yet."""
    tokens: int = 0
    cut: int = 0
    begun: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Text:
    """A text that waits, and where its vector is wanted."""

    key: bytes
    tokens: Tokens
    wants: list[tuple[_Unit, int]]


@dataclass(eq=False)
class Trip:
    """A flight, and its texts that wait."""

    flight: Flight
    open: int
    """Units that have not ended."""
    texts: dict[bytes, _Text] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Nothing of it is left to do."""
        return self.open == 0 or self.flight.cancelled()


class Aloft:
    """Flights for people come before those of jobs, and among each the flights take turns."""

    def __init__(self, encoder: Encoder, cache: VectorCache) -> None:
        self._encoder = encoder
        self._cache = cache
        self._people: deque[Trip] = deque()
        self._jobs: deque[Trip] = deque()
        self._lately = 1
        self._oldest = 0.0

    @property
    def empty(self) -> bool:
        """Nothing is in the air."""
        return not self._people and not self._jobs

    def board(self, flight: Flight) -> None:
        """Answer what is known, and let the rest wait; an order that holds no texts fails."""
        trip = Trip(flight, len(flight.orders))
        for order in flight.orders:
            try:
                self._take(trip, order)
            except RequestFailed as error:
                trip.open -= 1
                flight.failed(order, error.problem)
        if not self._people:
            self._oldest = time.monotonic()
        (self._people if flight.stream else self._jobs).append(trip)

    def landed(self) -> Iterator[Flight]:
        """The flights that are over, which are in the air no more; those that wait for a text of one keep it."""
        for trips in (self._people, self._jobs):
            for trip in [trip for trip in trips if trip.over]:
                trips.remove(trip)
                if trip.texts:
                    self._bequeath(trip)
                yield trip.flight

    def should_wait(self, batch_size: int, wait_seconds: float) -> bool:
        """Whether company for what people wait for may come within that time."""
        if not self._people or self._jobs or time.monotonic() - self._oldest >= wait_seconds:
            return False
        waiting = sum(len(trip.texts) for trip in self._people)
        return batches.worth_waiting(waiting=waiting, most=batch_size, aloft=len(self._people), lately=self._lately)

    def run(self, batch_size: int, spare: int) -> int:
        """Compute one batch and end what is whole; how many tokens were computed. Raises OutOfMemory."""
        trips = self._people if self._people else self._jobs
        texts = self._chosen(trips, batch_size, spare)
        if not texts:
            return 0
        vectors = self._encoder.vectors([text.tokens.ids for text in texts])
        if trips is self._people:
            self._lately = len({id(unit.trip) for text in texts for unit, _ in text.wants})
        for text, vector in zip(texts, vectors, strict=True):
            self._found(text, vector)
        self._oldest = time.monotonic()
        return sum(len(text.tokens.ids) for text in texts)

    # ── on the way up ─────────────────────────────────────────────────────────────────────────────────────

    def _take(self, trip: Trip, order: UnitOrder) -> None:
        texts = unit.texts_of(order.payload)
        if not order.file and len(texts) > (most := self._most_texts()):
            raise RequestFailed(
                Problem(
                    "Too many texts",
                    f"{len(texts):,} texts are over the {most:,} of one request.",
                    "Ask in parts, or submit a job.",
                )
            )
        taken = _Unit(trip, order, np.empty((len(texts), self._encoder.dimensions), np.float32), len(texts))
        keys = [key_of(text) for text in texts]
        # In deterministic work a vector may not hang on what was asked for before.
        slots = [-1] * len(keys) if trip.flight.deterministic else self._cache.find(keys)
        self._fill(taken, slots)
        self._queue(taken, [(at, keys[at], texts[at]) for at, slot in enumerate(slots) if slot < 0])
        if taken.open == 0:
            self._end(taken)

    def _most_texts(self) -> int:
        """That fit into one answer as base64."""
        return (ANSWER_BYTES - 1024) * 3 // 4 // (4 * self._encoder.dimensions)

    def _fill(self, taken: _Unit, slots: list[int]) -> None:
        known = [at for at, slot in enumerate(slots) if slot >= 0]
        if not known:
            return
        found = [slots[at] for at in known]
        taken.vectors[known] = self._cache.take(found)
        taken.open -= len(known)
        for tokens in map(self._cache.tokens, found):
            taken.tokens += abs(tokens)
            taken.cut += tokens < 0

    def _queue(self, taken: _Unit, wanted: list[tuple[int, bytes, str]]) -> None:
        fresh: list[tuple[int, bytes, str]] = []
        for at, key, text in wanted:
            if (waiting := self._waiting(taken.trip, key)) is not None:
                waiting.wants.append((taken, at))
            else:
                fresh.append((at, key, text))
                taken.trip.texts[key] = _Text(key, Tokens([], cut=False), [(taken, at)])
        for (_, key, _), tokens in zip(fresh, self._encoder.tokens([text for *_, text in fresh]), strict=True):
            taken.trip.texts[key].tokens = tokens

    def _waiting(self, trip: Trip, key: bytes) -> _Text | None:
        """The text where it waits already: in this flight, or in another of the same sort."""
        if (own := trip.texts.get(key)) is not None or trip.flight.deterministic:
            return own
        trips = self._people if trip.flight.stream else self._jobs
        found = (other.texts.get(key) for other in trips if not other.flight.deterministic)
        return next((text for text in found if text is not None), None)

    # ── under way ─────────────────────────────────────────────────────────────────────────────────────────

    def _chosen(self, trips: deque[Trip], most: int, spare: int) -> list[_Text]:
        """The text whose turn it is, with company; they wait no more."""
        trips.rotate(-1)
        if trips[0].flight.deterministic:  # its company would be chance
            candidates = [(trips[0], text) for text in trips[0].texts.values()]
            chosen = list(range(min(most, len(candidates))))
        else:
            shared = (trip for trip in trips if not trip.flight.deterministic)
            every = ((trip, text) for trip in shared for text in trip.texts.values())
            candidates = list(itertools.islice(every, max(most, _WINDOW)))
            lengths = [len(text.tokens.ids) for _, text in candidates]
            chosen = batches.company(lengths, 0, most, spare) if candidates else []
        for trip, text in (candidates[at] for at in chosen):
            del trip.texts[text.key]
        return [candidates[at][1] for at in chosen]

    def _found(self, text: _Text, vector: Floats) -> None:
        tokens = len(text.tokens.ids)
        trips = [taken.trip for taken, _ in text.wants]
        if not any(trip.flight.deterministic for trip in trips):
            uses = int(any(trip.flight.stream for trip in trips))
            self._cache.put(text.key, vector, -tokens if text.tokens.cut else tokens, uses=uses)
        for taken, at in text.wants:
            taken.vectors[at] = vector
            taken.tokens += tokens
            taken.cut += text.tokens.cut
            taken.open -= 1
            if taken.open == 0 and not taken.trip.flight.cancelled():
                self._end(taken)

    def _end(self, taken: _Unit) -> None:
        taken.trip.open -= 1
        flight, order = taken.trip.flight, taken.order
        seconds = time.monotonic() - taken.begun
        said = unit.Said(self._encoder.dimensions, taken.tokens, taken.cut)
        data = taken.vectors.astype("<f4", copy=False).tobytes()
        if order.file:
            result = unit.beside(said)
            flight.done(order, result, tokens=taken.tokens, seconds=seconds, ttft_seconds=None, data=data)
        else:
            result = unit.answer(data, said)
            flight.done(order, result, tokens=taken.tokens, seconds=seconds, ttft_seconds=None)

    def _bequeath(self, gone: Trip) -> None:
        """Texts of a cancelled flight that others want, too, wait with one of those."""
        for text in gone.texts.values():
            text.wants = [(taken, at) for taken, at in text.wants if taken.trip is not gone and not taken.trip.over]
            if text.wants:
                text.wants[0][0].trip.texts[text.key] = text
