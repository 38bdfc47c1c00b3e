"""One pass of the model over what a live speaker has said: fast, without time stamps, and judged like any window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engines.stt.decode.judge import why_dropped
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.listening.live import Pass
from engines.stt.listening.sound import Samples
from engines.stt.manner import Manner
from engines.stt.unit import RATE

SURE: Final = 0.8
"""A language that the model is so sure of stands for all that follows."""
ENOUGH: Final = 5 * RATE
"""So many samples tell the language as well as it can be told."""


class Passes:
    """Of one live flight. Where the model knows several languages and none was told, the first words tell it."""

    def __init__(
        self,
        hear: Callable[[Samples, Way], Take],
        detect: Callable[[Samples], tuple[str, float]],
        manner: Manner,
    ) -> None:
        self._hear = hear
        self._detect = detect
        self._manner = manner
        self._language = manner.language

    def __call__(self, samples: Samples) -> Pass:
        """Raises what the library raises."""
        language, settings = self._language, self._manner.settings
        if not language:
            language, probability = self._detect(samples)
            if probability >= SURE or len(samples) >= ENOUGH:
                self._language = language
        way = Way(language, settings.task, settings.prompt, settings.hotwords, beam_size=1, timestamps=False)
        take = self._hear(samples, way)
        dropped = why_dropped(take, settings, self._manner.phantoms) is not None
        return Pass("" if dropped else take.text, take.tokens, language)
