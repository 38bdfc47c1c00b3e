"""How much text a chunk has, and how many tokens it is expected to take. Pure.

What is expected decides how much room is kept and what counts as extended; a chunk that needs more goes on up to
`limit`, which nothing that was learned moves.
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple, TypeAlias

from engines.tts.pace import USUAL, characters_per_second, tokens_per_character
from engines.tts.settings import (
    CHARACTERS_OF_LADDER_TOKENS,
    LADDER_TOKENS,
    MOST_CHARACTERS,
    TtsSettings,
)

Backend: TypeAlias = Literal["english", "multilingual", "turbo"]

MOST_TOKENS: Final = 4000
"""Of a chunk; the model has places for 4,096."""
START: Final = 1.35
"""Times the usual pace: expected of a voice that was not heard yet."""
_MARGIN_TOKENS: Final = 25
_LIMIT: Final = 3
"""Times the usual pace; who takes longer has lost the text."""
_LIMIT_MARGIN_TOKENS: Final = 100
_SMART_BASE, _SMART_PER_CHUNK = 300, 150
_LANGUAGE_CHARACTERS: Final = {"en": 450, "fr": 275}
_LANGUAGE_TOKENS: Final = {"en": (500, 500), "fr": (600, 800)}
_OTHER_CHARACTERS, _OTHER_TOKENS = 280, (800, 1000)
_PENALTIES: Final[dict[Backend, float]] = {"english": 1.15, "turbo": 1.2, "multilingual": 2.0}


class _Preset(NamedTuple):
    words: float
    tokens: int
    characters: int
    penalty: float


_PRESETS: Final = (_Preset(1000, 400, 500, 1.15), _Preset(5000, 500, 400, 1.15), _Preset(math.inf, 500, 450, 1.20))
"""By the words of the document, up to so many."""


def characters(settings: TtsSettings, language: str, words: int) -> int:
    """The longest chunk, in characters, of a document of so many words in a language.

    In scripts that say more with a character it is as much shorter, unless its size is set. A bound on tokens is a
    bound on text, before all else: more is not said with them.
    """
    if settings.batch_size:
        most = settings.batch_size
    else:
        suggested = _suggested(settings, language, words)
        most = math.floor(suggested * min(1.0, characters_per_second(language) / USUAL))
    if settings.tokens:
        most = min(most, _said_with(settings.tokens, language))
    return max(1, most)


def expected(settings: TtsSettings, language: str, words: int, length: int, learned: float) -> int:
    """Tokens that a chunk of so many characters may take before it counts as extended.

    `learned` is what `Learned.rate` knows of the voice, or `start(language)`: tokens per character.
    """
    share = length / characters(settings, language, words)
    if settings.budget == "smart":
        tokens = _SMART_BASE + math.ceil(_SMART_PER_CHUNK * share)
    elif settings.budget == "language":
        least, most = _LANGUAGE_TOKENS.get(language, _OTHER_TOKENS)
        tokens = least + math.ceil((most - least) * min(1.0, share))
    elif settings.budget == "length":
        tokens = _preset(words).tokens
    else:
        tokens = math.ceil(learned * length) + _MARGIN_TOKENS
    if settings.tokens:
        tokens = min(tokens, settings.tokens)
    return min(tokens, limit(language, length))


def limit(language: str, length: int) -> int:
    """Tokens of so many characters at which a chunk is given up as a whole; the same whatever was learned or set."""
    return min(MOST_TOKENS, math.ceil(_LIMIT * tokens_per_character(language) * length) + _LIMIT_MARGIN_TOKENS)


def start(language: str) -> float:
    """Tokens per character, expected of a voice that was not heard yet; few voices take more."""
    return START * tokens_per_character(language)


def penalty(settings: TtsSettings, backend: Backend, words: int) -> float:
    """On repeated tokens: as set, else as the document's length suggests where that is the mode, else as each model
    was tuned."""
    if settings.repetition_penalty:
        return settings.repetition_penalty
    return _preset(words).penalty if settings.budget == "length" else _PENALTIES[backend]


def _suggested(settings: TtsSettings, language: str, words: int) -> int:
    """Characters of Latin script."""
    if settings.budget == "language":
        return _LANGUAGE_CHARACTERS.get(language, _OTHER_CHARACTERS)
    if settings.budget == "length":
        return _preset(words).characters
    return MOST_CHARACTERS[settings.budget]


def _said_with(tokens: int, language: str) -> int:
    """Characters; on the safe side of the usual pace."""
    of_english = tokens * CHARACTERS_OF_LADDER_TOKENS / LADDER_TOKENS
    return math.floor(of_english * characters_per_second(language) / USUAL)


def _preset(words: int) -> _Preset:
    return next(preset for preset in _PRESETS if words <= preset.words)
