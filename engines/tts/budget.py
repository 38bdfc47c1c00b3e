"""How much text a chunk has. Pure."""

from __future__ import annotations

from engines.tts.settings import MOST_CHARACTERS, TtsSettings


def characters(settings: TtsSettings, language: str, words: int) -> int:
    """The longest chunk, in characters, of a document of so many words in a language."""
    del language, words
    return settings.batch_size or MOST_CHARACTERS[settings.budget]
