"""A live wish becomes a flight that listens: with the engine's own model, one window at a time."""

from __future__ import annotations

import dataclasses
from typing import Final

from engines.contract import Flight
from engines.stt.decode.decoder import Decoder, Floats, Sound
from engines.stt.decode.judge import why_dropped
from engines.stt.folder import Folder
from engines.stt.listening.live import LiveFlight, Pass
from engines.stt.manner import Manner, Manners
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE, wish_of
from engines.stt.vad.silero import NoEar, Silero
from ipc.errors import RequestFailed
from ipc.snapshot import Scalar
from ipc.work import UnitOrder

_SURE: Final = 0.5
"""From this probability on, a language is not looked for again."""
_OWN: Final = ("language", "task", "prompt", "hotwords")


class Listeners:
    """Of one model."""

    def __init__(self, decoder: Decoder, folder: Folder, manners: Manners, model: str) -> None:
        self._decoder = decoder
        self._folder = folder
        self._manners = manners
        self._model = model
        self._silero: Silero | None = None

    def begin(self, flight: Flight, order: UnitOrder, settings: SttSettings) -> LiveFlight:
        """One more who speaks. Raises RequestFailed: it is no such wish, or cannot be heard so."""
        wish = wish_of(order.payload)
        own: dict[str, Scalar] = {name: told for name in _OWN if (told := getattr(wish, name)) is not None}
        manner = self._manners.of(settings, {**order.own, **own}, deterministic=False)
        try:
            self._silero = self._silero or Silero()
        except NoEar as error:
            raise RequestFailed(error.problem) from error
        return LiveFlight(
            flight,
            order,
            Hearer(self._decoder, manner).hear,
            self._silero.fresh(),
            manner.settings,
            window_seconds=self._folder.window_seconds,
            model=self._model,
        )


class Hearer:
    """What one speaker said; whoever waits for it sees no second try, and no beams."""

    def __init__(self, decoder: Decoder, manner: Manner) -> None:
        self._decoder = decoder
        self._manner = manner
        self._language = manner.language

    def hear(self, samples: Floats) -> Pass:
        """One pass. Raises what the library raises."""
        sound = self._decoder.sound(samples)
        language = self._language or self._find_language(sound)
        way = self._manner.way(language, 0, len(samples) / RATE)
        # All of its words are wanted, and when each was said is known by when it came.
        way = dataclasses.replace(way, beam_size=1, timestamps=False, words=False)
        (take,) = self._decoder.decode([sound.features], way)
        dropped = why_dropped(take, self._manner.settings, self._manner.phantoms) is not None
        return Pass("" if dropped else take.text, take.tokens, language)

    def _find_language(self, sound: Sound) -> str:
        language, probability = self._decoder.language(sound)
        if probability >= _SURE:
            self._language = language
        return language
