"""What is in the air: parts wait, are decoded together, become sound, are judged, and end as answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from engines.contract import Flight
from engines.tts import seeds
from engines.tts.aboard import Part, Taken, Trip
from engines.tts.boarding import Boarding
from engines.tts.budget import characters
from engines.tts.cleanup import chunks_of
from engines.tts.decode.chunk import Chunk
from engines.tts.decode.decoder import Decoder
from engines.tts.ending import end
from engines.tts.judge import better
from engines.tts.pieces import halved
from engines.tts.renderer import Order, Renderer
from engines.tts.sound.flac import Floats
from engines.tts.sound.render import Take
from engines.tts.tally import Tally
from engines.tts.verdicts import Verdicts
from ipc.errors import RequestFailed

_DEEPEST = 4
"""A text is halved so often at most; what still finds no end then is cut."""
_NAP_SECONDS = 0.02
"""While only sound is made: how long to wait for it before others are looked after."""


class Aloft:
    """Flights for people come first, then those of jobs as they came.

    A deterministic flight has the model to itself, and its chunks begin together: which others are computed with a
    chunk changes its numbers in the last digits.
    """

    def __init__(
        self, decoder: Decoder, renderer: Renderer[Part], boarding: Boarding, verdicts: Verdicts, tally: Tally
    ) -> None:
        self._decoder = decoder
        self._renderer = renderer
        self._boarding = boarding
        self._verdicts = verdicts
        self._tally = tally
        self._people: deque[Trip] = deque()
        self._jobs: deque[Trip] = deque()
        self._decoding: list[Part] = []
        self._solo: Trip | None = None
        self._work_chunks = 0

    @property
    def work_chunks(self) -> int:
        """About how many chunks the work has that boarded last."""
        return self._work_chunks

    @property
    def empty(self) -> bool:
        """Nothing is in the air."""
        return not self._people and not self._jobs

    def board(self, flight: Flight) -> None:
        """Let its chunks wait; an order that cannot be spoken fails."""
        trip = Trip(flight, len(flight.orders))
        for order in flight.orders:
            try:
                speech = self._boarding.speech(trip, order)
            except RequestFailed as error:
                trip.open -= 1
                flight.failed(order, error.problem)
            else:
                trip.waiting.extend(speech.parts)
                settings = speech.manner.settings
                most = characters(settings, speech.manner.language, speech.document_words)
                self._work_chunks = chunks_of(speech.document_words, most)
        (self._people if flight.stream else self._jobs).append(trip)

    def landed(self) -> Iterator[Flight]:
        """The flights that are over, which are in the air no more."""
        for trips in (self._people, self._jobs):
            for trip in [trip for trip in trips if trip.over]:
                self._forget(trip)
                trips.remove(trip)
                yield trip.flight

    def step(self, together: int, alone: int) -> int:
        """Write one token of each chunk under way, and end what is whole; how many tokens that were.

        At most `together` chunks are decoded at once, and of a deterministic flight `alone`.

        Raises:
            OutOfMemory
        """
        for part, sound in self._renderer.made(0.0 if self._decoding else _NAP_SECONDS):
            if sound is not None and part.speech.wanted:
                self._heard(part, sound)
        self._begin(together, alone)
        if not self._decoding:
            return 0
        written = self._decoder.aloft
        for chunk in self._decoder.step():
            part = next(part for part in self._decoding if part.chunk is chunk)
            self._decoding.remove(part)
            self._decoded(part, chunk)
        return written

    # ── before it is decoded ──────────────────────────────────────────────────────────────────────────────

    def _begin(self, together: int, alone: int) -> None:
        idle = not self._decoding and self._renderer.open == 0
        if self._solo is not None and self._solo.over:
            self._solo = None
        if self._solo is None and (waiting := self._next()) is not None and waiting.flight.deterministic:
            if not idle:
                return
            self._solo = waiting
        if self._solo is not None:
            if not idle:
                return
            self._solo.gather()
        most = alone if self._solo is not None else together
        fresh: list[Part] = []
        while len(self._decoding) + len(fresh) < most and (trip := self._solo or self._next()) is not None:
            if not trip.waiting or (trip.flight.deterministic and trip is not self._solo):
                break
            fresh.append(trip.waiting.popleft())
        if not fresh:
            return
        for part in fresh:
            part.chunk = self._boarding.chunk(part)
        self._decoder.begin([part.chunk for part in fresh if part.chunk is not None])
        self._decoding += fresh

    def _next(self) -> Trip | None:
        """Whose part is decoded next."""
        return next((trip for trips in (self._people, self._jobs) for trip in trips if trip.waiting), None)

    def _forget(self, trip: Trip) -> None:
        """Nothing of a cancelled flight is decoded any more; its sound ends by itself."""
        trip.waiting.clear()
        trip.aside.clear()
        for part in [part for part in self._decoding if part.speech.trip is trip]:
            self._decoding.remove(part)
            if part.chunk is not None:
                self._decoder.drop(part.chunk)
        if self._solo is trip:
            self._solo = None

    # ── after it is decoded ───────────────────────────────────────────────────────────────────────────────

    def _decoded(self, part: Part, chunk: Chunk) -> None:
        speech = part.speech
        endless = not chunk.ended and not chunk.broken
        if endless and part.depth < _DEEPEST and self._divided(part):
            return
        self._renderer.order(
            Order(
                part,
                Take(tuple(chunk.tokens), speech.manner.voice, chunk.seed),
                speech.manner.steps,
                speech.manner.settings.watermark,
                together=not speech.trip.flight.deterministic,
                urgent=speech.trip.flight.stream,
                wanted=lambda: speech.wanted,
            )
        )

    def _divided(self, part: Part) -> bool:
        """A chunk that found no end is spoken in two, where its text can be cut."""
        speech = part.speech
        if (cut := halved(part.read.text)) is None:
            return False
        first, second, between = cut
        try:
            halves = [
                *self._boarding.parts(speech, first, between, part.depth + 1, seeds.again(part.seed, -1)),
                *self._boarding.parts(speech, second, part.pause, part.depth + 1, seeds.again(part.seed, -2)),
            ]
        except RequestFailed:  # one of them is nothing but marks
            return False
        halves[0].redone = part.redone + 1
        at = speech.parts.index(part)
        speech.parts[at : at + 1] = halves
        speech.trip.again(halves)
        return True

    def _heard(self, part: Part, sound: Floats) -> None:
        chunk = part.chunk
        assert chunk is not None
        speech = part.speech
        verdict = self._verdicts.of(part, chunk, sound)
        if part.best is None or better(verdict, part.best.verdict):
            part.best = Taken(sound, len(chunk.tokens), chunk.seed, chunk.extended, verdict)
        # The likeliest tokens are the same again; only its sound is left to chance.
        changes = speech.manner.sampling.temperature > 0 or "silent" in verdict.faults
        if verdict.faults and changes and part.attempt < speech.manner.settings.attempts:
            part.attempt += 1
            part.redone += 1
            speech.trip.again([part])
            return
        if not verdict.faults:
            self._verdicts.learn(part, len(chunk.tokens))
        part.over, part.chunk = True, None
        if all(one.over for one in speech.parts):
            speech.trip.open -= 1
            self._tally.add(speech, end(speech))
