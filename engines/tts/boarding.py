"""An order becomes parts that can be decoded: its voice and manner are found, its text is read, and cut if too long."""

from __future__ import annotations

from collections import OrderedDict
from random import SystemRandom
from typing import Any, Final

import msgspec
from torch import Tensor

from engines.tts import seeds
from engines.tts.aboard import Manner, Part, Speech, Trip
from engines.tts.budget import characters, penalty
from engines.tts.checkpoint import Checkpoint
from engines.tts.decode.chunk import Chunk, Sampling
from engines.tts.decode.conditioning import conditioning
from engines.tts.decode.limits import check
from engines.tts.pace import characters_per_second
from engines.tts.pieces import halved, packed
from engines.tts.reader import MOST_TOKENS, Reader, nothing_to_say
from engines.tts.settings import TtsSettings
from engines.tts.sound.voice import Voice
from engines.tts.sound.voices import Voices
from engines.tts.unit import Pause, Unit, unit_of, wish_of
from engines.tts.verdicts import Verdicts
from engines.tts.wording import Wording
from ipc.errors import Problem, RequestFailed
from ipc.speech import Wish
from ipc.work import UnitOrder

_MOST_SECONDS: Final = 77.0
"""Of what a person hears at once, at the usual pace; longer texts are jobs. As base64 of hardly compressed sound it is
about the 4 MiB that an answer may have."""
MOST_CHARACTERS: Final = 1000
"""In any language."""
PIECE_CHARACTERS: Final = 280
_KEPT: Final = 32
"""Conditionings of voices."""
_SAMPLE: Final = "One, two, three, and the engine speaks."
_STEPS: Final = 10
_TURBO_STEPS: Final = 2
_TURBO_TOP_K, _TURBO_TOP_P = 1000, 0.95


class Boarding:
    """With the settings in force; what they say at boarding holds for an order to its end."""

    def __init__(
        self,
        t3: Any,
        settings: TtsSettings,
        checkpoint: Checkpoint,
        reader: Reader,
        voices: Voices,
        verdicts: Verdicts,
    ) -> None:
        self._t3 = t3
        self.settings = settings
        self._backend = checkpoint.backend
        self._wording = Wording(checkpoint)
        self._reader = reader
        self._voices = voices
        self._verdicts = verdicts
        self._chance = SystemRandom()
        self._conditionings: OrderedDict[tuple[Voice, float], Tensor] = OrderedDict()

    def speech(self, trip: Trip, order: UnitOrder) -> Speech:
        """The order with its parts.

        Raises:
            RequestFailed: it cannot be spoken, and why.
        """
        if trip.flight.stream and not order.file:
            return self._asked(trip, order, wish_of(order.payload))
        return self._planned(trip, order, unit_of(order.payload))

    def parts(self, speech: Speech, text: str, pause: Pause, depth: int, seed: int) -> list[Part]:
        """A text of an order, which is cut where it has more tokens than the model can read.

        Raises:
            RequestFailed: nothing of it can be spoken, or it cannot be read.
        """
        read = self._reader.read(text, speech.manner.language)
        speech.unknown += "".join(character for character in read.unknown if character not in speech.unknown)
        if len(read.ids) <= MOST_TOKENS:
            return [Part(speech, read, seed, pause, depth)]
        if (cut := halved(read.text)) is None:
            raise RequestFailed(
                Problem(
                    "Text too long",
                    f"It has {len(read.ids):,} tokens without a place to cut it; the model reads {MOST_TOKENS:,}.",
                    "Put spaces or punctuation into it.",
                )
            )
        first, second, between = cut
        return [
            *self.parts(speech, first, between, depth, seeds.again(seed, -1)),
            *self.parts(speech, second, pause, depth, seeds.again(seed, -2)),
        ]

    def sample(self, limit: int) -> Chunk:
        """A chunk of one short sentence in the voice of the settings, that goes on for at most so many tokens.

        Raises:
            RequestFailed: language or voice of the settings cannot be had.
        """
        language = self.settings.language if self.settings.language != "auto" else "en"
        manner = self._manner(language, self.settings.voice, self.settings, 0)
        ids = self._reader.read(_SAMPLE, language).ids
        return Chunk(ids, self._conditioning(manner), manner.sampling, 0, limit, limit)

    def voice(self) -> Voice:
        """Of the settings. Raises RequestFailed."""
        return self._voices.of(self.settings.voice, self.settings.reference_seconds)

    def chunk(self, part: Part) -> Chunk:
        """The next take of a part, to be decoded."""
        manner = part.speech.manner
        expected, limit = self._verdicts.budget(part)
        return Chunk(
            text=part.read.ids,
            conditioning=self._conditioning(manner),
            sampling=manner.sampling,
            seed=seeds.again(part.seed, part.attempt),
            expected=expected,
            limit=limit,
            analyze=manner.analyze,
        )

    def _conditioning(self, manner: Manner) -> Tensor:
        key = manner.voice, manner.settings.exaggeration
        if key not in self._conditionings:
            self._conditionings[key] = conditioning(self._t3, *key)
            if len(self._conditionings) > _KEPT:
                self._conditionings.popitem(last=False)
        self._conditionings.move_to_end(key)
        return self._conditionings[key]

    def _planned(self, trip: Trip, order: UnitOrder, unit: Unit) -> Speech:
        manner = self._manner(unit.language, unit.voice or self.settings.voice, self.settings, unit.words)
        base = self._base(deterministic=trip.flight.deterministic)
        speech = Speech(trip, order, manner, len(unit.text), len(unit.text.split()), unit.words)
        self._fill(speech, [(unit.text, unit.pause)], seeds.first(base, order.index, order.take, unit.text))
        return speech

    def _asked(self, trip: Trip, order: UnitOrder, ask: Wish) -> Speech:
        _check_length(ask.text, MOST_CHARACTERS)
        changes = {
            name: value for name in ("exaggeration", "cfg", "temperature") if (value := getattr(ask, name)) is not None
        }
        settings = msgspec.structs.replace(self.settings, **changes)
        language = ask.language or self.settings.language
        self._reader.check_wanted(language)
        voice = self.settings.voice if ask.voice is None else ask.voice
        language = self._wording.language(ask.text, language)
        text, unknown = self._wording.spoken(ask.text, language, settings)
        _check_length(text, most_characters(language))
        manner = self._manner(language, voice, settings, len(text.split()))
        speech = Speech(trip, order, manner, len(text), len(text.split()), len(text.split()), unknown=unknown)
        seed = ask.seed if ask.seed is not None else self._base(deterministic=trip.flight.deterministic)
        if not (pieces := packed(text, min(PIECE_CHARACTERS, characters(settings, language, 0)))):
            raise nothing_to_say(unknown=bool(unknown))
        self._fill(speech, pieces, seed)
        return speech

    def _fill(self, speech: Speech, texts: list[tuple[str, Pause]], seed: int) -> None:
        for number, (text, pause) in enumerate(texts):
            speech.parts += self.parts(speech, text, pause, 0, seeds.again(seed, number))
        for part in speech.parts:
            check(self._t3, self.chunk(part))
        speech.planned = len(speech.parts)

    def _manner(self, language: str, voice: str, settings: TtsSettings, words: int) -> Manner:
        turbo = self._backend == "turbo"
        return Manner(
            settings=settings,
            voice=self._voices.of(voice, settings.reference_seconds),
            language=language,
            sampling=Sampling(
                temperature=settings.temperature,
                cfg=0.0 if turbo else settings.cfg,
                min_p=0.0 if turbo else settings.min_p,
                top_p=_TURBO_TOP_P if turbo and settings.top_p == 1 else settings.top_p,
                top_k=_TURBO_TOP_K if turbo else 0,
                repetition_penalty=penalty(settings, self._backend, words),
            ),
            steps=settings.flow_steps or (_TURBO_STEPS if turbo else _STEPS),
            analyze=settings.use_alignment_analyzer and self._backend == "multilingual",
        )

    def _base(self, *, deterministic: bool) -> int:
        """Where chance begins; anew each time, unless it is set or the work is to be the same again."""
        if self.settings.seed >= 0:
            return self.settings.seed
        return 0 if deterministic else self._chance.randrange(2**31)


def most_characters(language: str) -> int:
    """Of a text that a person hears at once."""
    return min(MOST_CHARACTERS, int(_MOST_SECONDS * characters_per_second(language)))


def _check_length(text: str, most: int) -> None:
    if len(text) > most:
        raise RequestFailed(
            Problem(
                "Text too long",
                f"It has {len(text):,} characters; {most:,} are spoken at once.",
                "Save it as a file, and submit that: `engineroom submit tts FILE.txt -o FILE.m4b`.",
            )
        )
