"""A recording listened to page by page: what is found of a frame depends on its page alone, wherever a plan begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engines.stt.audio.decoder import Samples
from engines.stt.audio.recording import Recording
from engines.stt.cutting import Track
from engines.stt.unit import RATE, Span
from engines.stt.vad import level
from engines.stt.vad.silero import FRAME, Silero

_PAGE: Final = 60 * RATE // FRAME * FRAME
"""Samples; the loud parts of so much decide what is too quiet in it."""
_BEFORE: Final = 32 * FRAME
"""Samples before a page that the network hears, so that it is not new to what goes on."""
_HEARD_DB: Final = -30.0
"""As loud is what the network hears: it finds most speech there, and takes no noise for it."""


class Pages:
    """What was found so far, from some page on."""

    def __init__(
        self, recording: Recording, silero: Silero | None, gate_db: float, seconds: float | None = None
    ) -> None:
        """Without the network all is speech that passes the gate. `seconds` is how long it is, where that is known."""
        self.recording = recording
        self.seconds = seconds
        self._silero = silero
        self._gate_db = gate_db
        self.track = _blank(0)
        self._page = 0
        """The next one to listen to."""
        self._tail = np.zeros(0, np.float32)
        """What lies before it, if that was read."""

    def close(self) -> None:
        """Nothing more is read of it."""
        self.recording.close()

    @property
    def known(self) -> int:
        """Samples before which all that is to be known is known."""
        return self._page * _PAGE if self.track.end is None else self.track.end

    def turn_to(self, sample: int) -> None:
        """Forget what lies before a sample that is to be planned from; begin at its page where that is not here."""
        page = sample // _PAGE
        if sample < self.track.first * FRAME or page > self._page:
            self.track, self._page, self._tail = _blank(page), page, np.zeros(0, np.float32)
            return
        gone = min(sample // FRAME - self.track.first, len(self.track.levels))
        track = self.track
        self.track = Track(
            track.first + gone, track.probabilities[gone:], track.passing[gone:], track.levels[gone:], track.end
        )

    def more(self, step: Callable[[], None]) -> None:
        """Listen to the next page; `step` is called for each second decoded. Raises NotAudio."""
        begin = self._page * _PAGE
        samples = self.recording.read(Span(begin - self._missing(begin), begin + _PAGE), step)
        samples = np.concatenate((self._tail, samples))
        before, page = samples[: self._warm(begin)], samples[self._warm(begin) :]
        levels = level.levels(page, FRAME)
        passing = level.passing(levels, self._gate_db)
        probabilities = self._probabilities(before, page) * passing if passing.any() else passing
        track = self.track
        self.track = Track(
            track.first,
            np.concatenate((track.probabilities, probabilities), dtype=np.float32),
            np.concatenate((track.passing, passing)),
            np.concatenate((track.levels, levels)),
            self.recording.length if len(page) < _PAGE else None,
        )
        self._tail = samples[-_BEFORE:].copy()  # a view would hold all of the page
        self._page += 1

    def _probabilities(self, before: Samples, page: Samples) -> Samples:
        if self._silero is None:
            return np.ones(-(-len(page) // FRAME), np.float32)
        heard = np.concatenate((before, page, np.zeros(-len(page) % FRAME, np.float32)))
        heard = level.even(heard, FRAME, self._gate_db, _HEARD_DB)
        return self._silero.fresh().hear(heard)[len(before) // FRAME :]

    @staticmethod
    def _warm(begin: int) -> int:
        return min(begin, _BEFORE)

    def _missing(self, begin: int) -> int:
        return self._warm(begin) - len(self._tail)


def _blank(page: int) -> Track:
    nothing = np.zeros(0, np.float32)
    return Track(page * _PAGE // FRAME, nothing, nothing.astype(np.bool_), nothing.astype(np.float64), None)
