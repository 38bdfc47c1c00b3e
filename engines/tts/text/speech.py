"""From what is written to what is spoken: pronunciations first, then only characters that the model knows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from engines.tts.text.alphabet import Alphabet
from engines.tts.text.lexicon import Lexicon

_KEPT = 1024
"""Texts; a sentence is looked at again when the one before it ends a chunk."""


class Speech:
    """One way of speaking."""

    def __init__(self, alphabet: Alphabet, lexicon: Lexicon) -> None:
        self._alphabet = alphabet
        self._lexicon = lexicon
        self.say: Callable[[str], str] = lru_cache(maxsize=_KEPT)(self._say)
        """What is spoken of a written text."""

    def _say(self, written: str) -> str:
        return self._alphabet.write(self._lexicon.say(written))

    def left_out(self, written: str) -> str:
        """Characters of it that are not spoken because the model does not know them."""
        return self._alphabet.left_out(self._lexicon.say(written))
