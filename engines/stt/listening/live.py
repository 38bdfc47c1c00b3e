"""A person speaks, and reads meanwhile: one live flight, which takes its step between two batches of other work."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np

from engines.contract import Flight
from engines.stt.listening.agreement import Agreement
from engines.stt.listening.endpoint import CHUNK, CHUNK_MS, Endpoints, Moment, Pace, ended, pass_due
from engines.stt.listening.loudness import Loudness, gain_for
from engines.stt.listening.sound import Samples, Sound
from engines.stt.listening.transcript import Transcript
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE
from ipc.work import UnitOrder

LONGEST_SECONDS: Final = 15.0
"""Of sound that one pass hears: more would make each pass longer than it helps."""
MARGIN_SECONDS: Final = 0.5
"""Below the model's window, because the last word needs room behind it."""
HELD_WORDS: Final = 1
"""While somebody speaks, the last word is not committed: what follows may still change it."""
_BYTES: Final = 2
_WAITING_BYTES: Final = 4 * RATE * _BYTES
"""While so much waits here no more is read: whoever feeds is slowed."""


class Pass(NamedTuple):
    """What a model heard in some sound; nothing where what it heard is not to be believed."""

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
        self.flight = flight
        self._order = order
        self._hear = hear
        self._ear = ear
        self._clock = clock
        self._model = model
        self._pace = Pace(settings.step_ms, settings.endpoint_ms)
        self._endpoints = Endpoints(settings.vad_threshold)
        self._loudness = Loudness(settings.gate_db)
        self._sound = Sound(int(min(LONGEST_SECONDS, window_seconds - MARGIN_SECONDS) * RATE))
        self._agreement = Agreement()
        self._transcript = Transcript()
        self._waiting = bytearray()
        self._chunks: deque[tuple[Samples, float]] = deque()
        """Sound that was looked at and is not taken yet, with how likely it is speech."""
        self._all_fed = False
        self._taken = 0
        self._new_ms = 0.0
        self._settled = False
        self._pass_ms = 0.0
        self._seconds = 0.0
        self._tokens = 0
        self._language = ""
        self._done = False

    @property
    def over(self) -> bool:
        """Whether nothing of it is left to do."""
        return self._done or self.flight.cancelled()

    def step(self) -> bool:
        """Do what can be done now; False where it has to wait for more sound."""
        if self.over:
            return False
        began = self._clock()
        worked = self._read()
        while self._chunks:
            self._take(*self._chunks.popleft())
            worked = True
            if self._endpoints.speaking and self._bounded():
                break
        else:
            worked = self._pause() or worked
        self._seconds += self._clock() - began
        if self._transcript.full or (self._all_fed and not self._chunks and not self._waiting):
            self._end()
        return worked

    # ── sound ─────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> bool:
        """Look for speech in what was fed; whether there was any sound."""
        if not self._all_fed and len(self._waiting) < _WAITING_BYTES:
            data, self._all_fed = self.flight.fed()
            self._waiting += data
            if self._all_fed:
                self._waiting += bytes(-len(self._waiting) % (CHUNK * _BYTES))
        if self._chunks or not (count := len(self._waiting) // (CHUNK * _BYTES)):
            return False
        count = min(count, max(1, int(self._pace.step_ms / CHUNK_MS)))
        size = count * CHUNK * _BYTES
        samples = np.frombuffer(self._waiting[:size], "<i2").astype(np.float32) / np.float32(32768)
        del self._waiting[:size]
        chunks = samples.reshape(count, CHUNK)
        levels = np.sqrt(np.square(chunks).mean(axis=1)).tolist()
        for level in levels:
            self._loudness.hear(level, CHUNK / RATE)
        likely = self._ear.hear(samples * np.float32(self._loudness.gain)).tolist()
        for chunk, level, probability in zip(chunks, levels, likely, strict=True):
            self._chunks.append((chunk, 0.0 if self._loudness.silent(level) else probability))
        return True

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

    def _bounded(self) -> bool:
        """End what is over or too long; whether anything was."""
        if ended(self._endpoints.silence_ms, self._pace):
            self._finish()
            return True
        if self._sound.full:
            self._close(self._sound.cut())
            return True
        return False

    def _pause(self) -> bool:
        """All that was fed is taken: listen again, if it is time; whether it was."""
        more = len(self._waiting) >= CHUNK * _BYTES
        if more or not self._endpoints.speaking:
            return False  # whoever lags behind hears only what ends
        moment = Moment(self._endpoints.silence_ms, self._new_ms, self._settled, self._pass_ms)
        if not pass_due(moment, self._pace):
            return False
        quiet = self._endpoints.silence_ms >= self._pace.early_ms
        held = 0 if self._endpoints.silence_ms else HELD_WORDS
        commit = self._agreement.hear(self._pass(self._sound.samples()), held=held)
        self._settled = quiet and not self._agreement.guess
        self._say(commit, self._agreement.guess)
        return True

    def _finish(self) -> None:
        """What was said is over."""
        if self._settled:
            self._say("", "", ended=True)
        else:
            self._close(self._sound.samples(), ended=True)
        self._agreement = Agreement()
        self._settled = False
        self._endpoints.end()
        self._sound.forget()

    def _close(self, samples: Samples, *, ended: bool = False) -> None:
        """Commit all that is heard in these samples, which nobody hears again."""
        self._say(self._agreement.end(self._pass(samples)), "", ended=ended)
        self._agreement = Agreement()
        self._settled = False

    def _pass(self, samples: Samples) -> str:
        """What the model hears in it."""
        levels = np.sqrt(np.square(samples[: len(samples) // CHUNK * CHUNK].reshape(-1, CHUNK)).mean(axis=1))
        began = self._clock()
        heard = self._hear(samples * np.float32(gain_for(float(levels.max(initial=0.0)))))
        self._pass_ms = (self._clock() - began) * 1000
        self._new_ms = 0.0
        self._tokens += heard.tokens
        self._language = heard.language or self._language
        return heard.text

    def _say(self, commit: str, guess: str, *, ended: bool = False) -> None:
        line = self._transcript.line(self._taken / RATE, commit, guess, ended=ended)
        if line and self.flight.stream:
            self.flight.piece(self._order, line)

    def _end(self) -> None:
        if self._endpoints.speaking:
            began = self._clock()
            self._finish()
            self._seconds += self._clock() - began
        seconds = self._taken / RATE
        self.flight.done(
            self._order,
            self._transcript.answer(seconds, self._language, self._model),
            tokens=self._tokens,
            seconds=self._seconds,
            ttft_seconds=None,
            audio_seconds=seconds,
        )
        self._done = True
