"""What is in the air: spans wait, are read, are decoded together, are judged, and end as answers."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

import msgspec

from engines.contract import Flight, OutOfMemory
from engines.stt import ending
from engines.stt.aboard import Part, Trip, Window
from engines.stt.decode import ladder
from engines.stt.decode.choice import Choice
from engines.stt.decode.decoder import FRAMES_PER_SECOND, Decoder, Floats, Sound
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.manner import Manners
from engines.stt.patience import Patience
from engines.stt.reader import Read, Reader
from engines.stt.settings import SttSettings
from engines.stt.spoken import Languages, Told
from engines.stt.streams import Made, Streams
from engines.stt.tally import Tally
from engines.stt.unit import RATE, Unit, unit_of
from ipc.errors import RequestFailed
from ipc.work import UnitOrder

_SPEAKING_SECONDS, _OPEN_SECONDS = 0.3, 1.0
"""So long may a batch take where somebody speaks, who waits for the whole of it; and where somebody may begin to."""
_NAP_SECONDS: Final = 0.02
"""How long to wait for something to end before others are looked after."""


class Listening(Protocol):
    """One that listens while people speak."""

    @property
    def idle(self) -> bool:
        """Whether it waits for more sound."""

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks just now."""

    @property
    def taken(self) -> int:
        """Samples that were listened to so far."""

    @property
    def tokens(self) -> int:
        """Of all that was heard so far."""

    def step(self) -> bool:
        """Hear what came since; False once it is over."""


class Aloft:
    """Spans for people come first, then those of jobs as they came; each in company of its sort only.

    A deterministic span is decoded alone: which others are computed with it changes its numbers in the last digits.
    """

    def __init__(
        self,
        decoder: Decoder,
        manners: Manners,
        streams: int,
        window_frames: int,
        model: str,
        step: Callable[[], None],
        listen: Callable[[Flight, UnitOrder, SttSettings], Listening],
    ) -> None:
        self._decoder = decoder
        self._manners = manners
        self._window_frames = window_frames
        self._model = model
        self._listen = listen
        self._step = step
        self._news: SimpleQueue[Any] = SimpleQueue()
        self._languages = Languages()
        self._reader = Reader(decoder.sound, self._languages, step, self._news)
        self._streams = Streams(streams, self._news)
        self._choice = Choice()
        self._patience = Patience()
        self._trips: list[Trip] = []
        self._live: list[tuple[Trip, Listening]] = []
        self._waiting: deque[Part] = deque()
        """Not read yet, nor being read."""
        self._ready: list[Part] = []
        self._reading = 0
        self._numbers = itertools.count()
        self.tally = Tally()

    @property
    def empty(self) -> bool:
        """Nothing is in the air."""
        return not self._trips

    @property
    def idle(self) -> bool:
        """All wait for those who speak."""
        at_work = self._reading or self._streams.busy or not all(one.idle for _, one in self._live)
        return bool(self._live) and not at_work

    @property
    def alive(self) -> bool:
        """Batches are under way, and none takes so long that it hangs; or nothing can be done before more is fed."""
        return self.idle or self._streams.alive(self._patience.seconds)

    def board(self, flight: Flight, settings: SttSettings) -> None:
        """Answer silence at once, and let the rest wait; an order that cannot be heard fails."""
        trip = Trip(flight, len(flight.orders))
        self._trips.append(trip)
        for order in flight.orders:
            try:
                self._take(trip, order, settings)
            except RequestFailed as error:
                trip.open -= 1
                flight.failed(order, error.problem)

    def landed(self) -> Iterator[Flight]:
        """The flights that are over, which are in the air no more."""
        if any(not part.wanted for part in (*self._waiting, *self._ready)):
            self._forget()
        for trip in [trip for trip in self._trips if trip.over]:
            self._trips.remove(trip)
            yield trip.flight
        if len(self._trips) <= len(self._live):
            self._reader.rest()

    def step(self, settings: SttSettings) -> int:
        """Take what is ready, begin what can begin, and hear those who speak; how many tokens were written.

        Raises:
            OutOfMemory
        """
        written = 0
        for one in self._told():
            match one:
                case Read():
                    self._was_read(one)
                case Made(result=OutOfMemory()):
                    self._too_large(one, settings)
                case Made():
                    written += self._was_made(one)
                case _:
                    raise one
        written += self._hear_live()
        self._read_on(settings)
        while self._streams.free and self._begin(settings):
            pass
        return written

    def close(self) -> None:
        """Waits for what is computed just now."""
        self._reader.close()
        self._streams.close()

    # ── on the way up ─────────────────────────────────────────────────────────────────────────────────────

    def _take(self, trip: Trip, order: UnitOrder, settings: SttSettings) -> None:
        try:
            unit = unit_of(order.payload)
        except msgspec.MsgspecError:
            self._live.append((trip, self._listen(trip.flight, order, settings)))
            return
        manner = self._manners.of(settings, order.own, deterministic=trip.flight.deterministic)
        if not unit.speech:
            self._end_silent(trip, order, unit)
            return
        self._waiting.append(Part(trip, order, unit, manner, next(self._numbers)))

    def _end_silent(self, trip: Trip, order: UnitOrder, unit: Unit) -> None:
        ending.end_silent(trip.flight, order, unit, self._model)
        trip.open -= 1
        self.tally.audio_seconds += unit.whole.seconds

    def _forget(self) -> None:
        """Nothing of a cancelled flight is read or decoded any more."""
        for part in [part for part in self._ready if not part.wanted]:
            self._ready.remove(part)
            if part.head is not None:
                self._languages.release(part.key)
        self._waiting = deque(part for part in self._waiting if part.wanted)

    # ── what ended ────────────────────────────────────────────────────────────────────────────────────────

    def _told(self) -> Iterator[Any]:
        """What threads have to say, after a moment's wait for the first."""
        wait = bool(self._reading or self._streams.busy)
        try:
            yield self._news.get(timeout=_NAP_SECONDS) if wait else self._news.get_nowait()
            while True:
                yield self._news.get_nowait()
        except Empty:
            return

    def _was_read(self, read: Read) -> None:
        part = read.part
        self._reading -= 1
        part.trip.held -= 1
        part.sound, part.head = read.sound, read.head
        if read.problem is not None and part.wanted:
            part.trip.open -= 1
            part.trip.flight.failed(part.order, read.problem)
        elif read.sound is not None:
            self._ready.append(part)

    def _was_made(self, made: Made[Any]) -> int:
        self._streams.over(made)
        for part in made.parts:
            part.trip.held -= 1
        if isinstance(made.result, Told):
            (part,) = made.parts
            self._languages.learn(part.key, made.result)
            self._ready.append(part)
            return 0
        takes: list[Take] = made.result  # type: ignore[assignment]
        if all(part.measures for part in made.parts) and not self._speaking:
            self._choice.learn(len(takes), made.seconds)
        self._patience.learn(len(takes), made.seconds)
        self.tally.batch(len(takes), made.seconds)
        for part, take in zip(made.parts, takes, strict=True):
            if part.wanted:
                self._heard(part, take)
        return sum(take.tokens for take in takes)

    def _heard(self, part: Part, take: Take) -> None:
        settings = part.manner.settings
        part.tokens += take.tokens
        part.takes.append(take)
        if not ladder.believed(take, settings):
            self.tally.again += 1
            if len(part.takes) < len(part.manner.rungs):
                self._ready.append(part)
                return
        take = ladder.best(part.takes, settings)
        frames = self._window(part).shape[1] if take.rest is None else take.rest
        part.windows.append(Window(part.at, frames, take))
        part.at += frames
        part.takes.clear()
        assert part.sound is not None
        if part.at < part.sound.features.shape[1] - round(part.sound.lead * FRAMES_PER_SECOND):
            self._ready.append(part)
            return
        self._end(part)

    def _end(self, part: Part) -> None:
        found = ending.end(part, self._model)
        part.trip.open -= 1
        self.tally.audio_seconds += part.unit.whole.seconds
        self.tally.dropped += len(found.dropped)
        if found.confidence is not None:
            self.tally.believed(found.tokens, found.confidence)

    def _too_large(self, made: Made[Any], settings: SttSettings) -> None:
        """Where the number was left open, fewer are decoded together from now on. Raises OutOfMemory: it was not."""
        self._streams.over(made)
        for part in made.parts:
            part.trip.held -= 1
        if len(made.parts) == 1 or settings.batch_size:
            assert isinstance(made.result, OutOfMemory)
            raise made.result
        self._choice.too_many(len(made.parts))
        self._ready += made.parts

    def _hear_live(self) -> int:
        """Let each of those who speak be heard, at most one window of it; how many tokens were written.

        While all streams compute, the library would only make this thread wait as well, without a sign of life.
        """
        written = 0
        for one in list(self._live):
            trip, listening = one
            if trip.flight.cancelled():
                self._live.remove(one)
            elif self._streams.free:
                taken, tokens = listening.taken, listening.tokens
                if not listening.step():
                    self._live.remove(one)
                    trip.open -= 1
                if listening.taken != taken:
                    self._step()
                    self.tally.audio_seconds += (listening.taken - taken) / RATE
                written += listening.tokens - tokens
        return written

    # ── what begins ───────────────────────────────────────────────────────────────────────────────────────

    def _read_on(self, settings: SttSettings) -> None:
        """As many as the next batches need, and no more: hours wait in the queue of a job. People wait in none."""
        ahead = 2 * settings.together * settings.num_workers + 1
        while self._waiting:
            part = min(self._waiting, key=lambda part: part.turn)
            if self._reading + len(self._ready) >= ahead and not part.trip.flight.stream:
                break
            self._waiting.remove(part)
            self._want(part)

    def _want(self, part: Part) -> None:
        self._reading += 1
        part.trip.held += 1
        self._reader.want(part)

    def _begin(self, settings: SttSettings) -> bool:
        """Let one stream do what comes first; False where nothing can be done."""
        for part in sorted(self._ready, key=lambda part: part.turn):
            if not part.wanted:
                continue
            if self._know_language(part):
                self._decode(self._company(part, settings))
                return True
            if part.head is not None:
                self._find_language(part, part.head)
                return True
            if not self._languages.pending(part.key):  # whoever was to find it out is gone
                self._ready.remove(part)
                self._want(part)
        return False

    def _know_language(self, part: Part) -> bool:
        if not part.language:
            if part.manner.language:
                part.language = part.manner.language
            elif (told := self._languages.of(part.key)) is not None:
                part.language, part.language_probability = told.language, round(told.probability, 4)
                part.head = None
        return bool(part.language)

    def _find_language(self, part: Part, head: Sound) -> None:
        part.head = None
        self._launch((part,), lambda: Told(*self._decoder.language(head)))

    def _way(self, part: Part) -> Way:
        return part.manner.way(part.language, len(part.takes), part.extent.seconds)

    def _company(self, first: Part, settings: SttSettings) -> list[Part]:
        """Windows to decode with this one: of the same sort, and none that is tried again or has to be alone."""
        if first.takes or first.manner.deterministic:
            return [first]
        way, stream = self._way(first), first.trip.flight.stream
        if way.temperature > 0:
            return [first]
        alike = [
            part
            for part in sorted(self._ready, key=lambda part: part.turn)
            if part.wanted
            and not part.takes
            and not part.manner.deterministic
            and part.trip.flight.stream == stream
            and self._know_language(part)
            and self._way(part) == way
        ]
        return alike[: self._size(len(alike), settings)]

    def _size(self, waiting: int, settings: SttSettings) -> int:
        size = settings.batch_size or self._choice.size(waiting, settings.together)
        if not self._live:
            return size
        return self._choice.within(size, _SPEAKING_SECONDS if self._speaking else _OPEN_SECONDS)

    @property
    def _speaking(self) -> bool:
        return any(listening.speaking for _, listening in self._live)

    def _decode(self, parts: list[Part]) -> None:
        way, windows = self._way(parts[0]), [self._window(part) for part in parts]
        self._launch(tuple(parts), lambda: self._decoder.decode(windows, way))

    def _launch(self, parts: tuple[Part, ...], make: Callable[[], object]) -> None:
        for part in parts:
            self._ready.remove(part)
            part.trip.held += 1
        self._streams.begin(parts, make)

    def _window(self, part: Part) -> Floats:
        assert part.sound is not None
        return part.sound.features[:, part.at : part.at + self._window_frames]
