"""A person speaks, and reads meanwhile: one live flight, which takes its step between two batches of other work."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np

from engines.contract import Flight
from engines.stt.listening import loudness
from engines.stt.listening.agreement import Agreement
from engines.stt.listening.endpoint import CHUNK, CHUNK_MS, Endpoints, Moment, Pace, ended, pass_due
from engines.stt.listening.sound import Samples, Sound
from engines.stt.listening.transcript import Transcript
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE
from engines.stt.vad.level import levels
from ipc.work import UnitOrder

LONGEST_SECONDS: Final = 15.0
"""Of sound that one pass hears: more would make each pass longer than it helps."""
MARGIN_SECONDS: Final = 0.5
"""Below the model's window, because the last word needs room behind it."""
HELD_WORDS: Final = 1
"""While somebody speaks, the last word is not committed: what follows may still change it."""
_CHUNK_BYTES: Final = CHUNK * 2
_WAITING_BYTES: Final = 4 * RATE * 2
"""While so much waits here no more is read: whoever feeds is slowed."""


class Pass(NamedTuple):
    """What a model heard in some sound; no text where what it heard is not to be believed."""

    text: str
    tokens: int = 0
    language: str = ""


class Ear(Protocol):
    """`engines.stt.vad.silero.Ear`."""

    def hear(self, samples: Samples) -> Samples:
        """How likely each 512 samples are speech; what is left over is kept for the next call."""


class LiveFlight:
    """Sound of the person is 16-bit little-endian samples at 16 kHz, mono.

    A step takes what was fed, finds speech in it and decodes at most once, so that others are never kept for longer.
    """

    def __init__(
        self,
        flight: Flight,
        order: UnitOrder,
        hear: Callable[[Samples], Pass],
        ear: Ear,
        settings: SttSettings,
        *,
        window_seconds: float,
        model: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flight = flight
        self._order = order
        self._hear = hear
        self._ear = ear
        self._clock = clock
        self._model = model
        self._vad = settings.vad
        self._pace = Pace(settings.step_ms, settings.endpoint_ms)
        self._endpoints = Endpoints(settings.vad_threshold)
        self._loudness = loudness.Loudness(settings.gate_db)
        self._sound = Sound(int(min(LONGEST_SECONDS, window_seconds - MARGIN_SECONDS) * RATE))
        self._agreement = Agreement()
        self._transcript = Transcript()
        self._waiting = bytearray()
        self._chunks: deque[tuple[Samples, float]] = deque()
        """Sound that was looked at and is not taken yet, with how likely it is speech."""
        self._all_fed = False
        self._taken = 0
        """Samples."""
        self._new_ms = 0.0
        """Sound that no pass has heard."""
        self._settled = False
        """The last pass was in the silence that lasts, and all that it heard is committed."""
        self._passes = 0
        self._pass_ms = 0.0
        self._tokens = 0
        self._seconds = 0.0
        self._language = ""
        self._done = False

    @property
    def over(self) -> bool:
        """Whether nothing of it is left to do."""
        return self._done or self._flight.cancelled()

    @property
    def idle(self) -> bool:
        """Whether nothing can be done before more is fed."""
        return not self._all_fed and not self._chunks and len(self._waiting) < _CHUNK_BYTES

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks just now, as far as was heard."""
        return self._endpoints.speaking

    @property
    def taken(self) -> int:
        """Samples that were listened to so far."""
        return self._taken

    @property
    def tokens(self) -> int:
        """Of all that was heard so far."""
        return self._tokens

    def step(self) -> bool:
        """Take what came, and listen to it at most once; False once it is over."""
        if self.over:
            return False
        began, passes = self._clock(), self._passes
        while self._passes == passes and (self._chunks or self._read()):
            self._take(*self._chunks.popleft())
            if self._endpoints.speaking:
                self._close_what_ended()
        if self._passes == passes and self._endpoints.speaking:
            self._listen_again()
        self._seconds += self._clock() - began
        if self._transcript.full or (self._all_fed and not self._chunks and not self._waiting):
            self._end()
        return not self.over

    # ── sound ─────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> bool:
        """Look for speech in what was fed, as much of it as lies between two passes; False where there is none."""
        if not self._all_fed and len(self._waiting) < _WAITING_BYTES:
            data, self._all_fed = self._flight.fed()
            self._waiting += data
            if self._all_fed:
                self._waiting += bytes(-len(self._waiting) % _CHUNK_BYTES)
        count = min(len(self._waiting) // _CHUNK_BYTES, max(1, int(self._pace.step_ms / CHUNK_MS)))
        if not count:
            return False
        samples = np.frombuffer(self._waiting[: count * _CHUNK_BYTES], "<i2").astype(np.float32) / np.float32(32768)
        del self._waiting[: count * _CHUNK_BYTES]
        loud = levels(samples, CHUNK).tolist()
        for level in loud:
            self._loudness.hear(level, CHUNK / RATE)
        likely = self._likely(samples, count)
        for chunk, level, probability in zip(samples.reshape(count, CHUNK), loud, likely, strict=True):
            self._chunks.append((chunk, 0.0 if self._loudness.silent(level) else probability))
        return True

    def _likely(self, samples: Samples, count: int) -> list[float]:
        if not self._vad:
            return [1.0] * count
        likely: list[float] = self._ear.hear(samples * np.float32(self._loudness.gain)).tolist()
        return likely

    def _take(self, chunk: Samples, probability: float) -> None:
        self._taken += CHUNK
        self._new_ms += CHUNK_MS
        self._sound.add(chunk)
        self._endpoints.hear(probability)
        if not self._endpoints.speaking:
            self._sound.forget()
        elif not self._endpoints.silence_ms:
            self._settled = False

    # ── passes ────────────────────────────────────────────────────────────────────────────────────────────

    def _close_what_ended(self) -> None:
        """Commit all of what is over or too long."""
        if ended(self._endpoints.silence_ms, self._pace):
            self._finish()
        elif self._sound.full:
            self._say(self._agreement.cut(self._pass(self._sound.cut())), "")
            self._settled = False

    def _listen_again(self) -> None:
        """If it is time; whoever lags behind has no time for it."""
        moment = Moment(self._endpoints.silence_ms, self._new_ms, self._settled, self._pass_ms)
        if len(self._waiting) >= _CHUNK_BYTES or not pass_due(moment, self._pace):
            return
        quiet = self._endpoints.silence_ms >= self._pace.early_ms
        held = 0 if quiet else HELD_WORDS
        commit = self._agreement.hear(self._pass(self._sound.samples()), held=held)
        self._settled = quiet and not self._agreement.guess
        self._say(commit, self._agreement.guess)
        if self._settled and self._sound.long:
            self._begin_anew()

    def _finish(self) -> None:
        """What was said is over; where all of it is committed, nothing has to be heard again."""
        commit = "" if self._settled else self._agreement.end(self._pass(self._sound.samples()))
        self._say(commit, "", ended=True)
        self._begin_anew()
        self._settled = False
        self._endpoints.end()

    def _begin_anew(self) -> None:
        """All that was heard is committed: nobody hears it again."""
        self._agreement = Agreement()
        self._sound.forget(int(self._endpoints.silence_ms / CHUNK_MS))

    def _pass(self, samples: Samples) -> str:
        """What the model hears in it."""
        began = self._clock()
        heard = self._hear(loudness.heard(samples, CHUNK))
        self._pass_ms = (self._clock() - began) * 1000
        self._passes += 1
        self._new_ms = 0.0
        self._tokens += heard.tokens
        self._language = heard.language or self._language
        return heard.text

    # ── what is told ──────────────────────────────────────────────────────────────────────────────────────

    def _say(self, commit: str, guess: str, *, ended: bool = False) -> None:
        line = self._transcript.line(self._taken / RATE, commit, guess, ended=ended)
        if line and self._flight.stream:
            self._flight.piece(self._order, line)

    def _end(self) -> None:
        if self._endpoints.speaking:
            began = self._clock()
            self._finish()
            self._seconds += self._clock() - began
        seconds = self._taken / RATE
        self._flight.done(
            self._order,
            self._transcript.answer(seconds, self._language, self._model),
            tokens=self._tokens,
            seconds=self._seconds,
            ttft_seconds=None,
            audio_seconds=seconds,
        )
        self._done = True
